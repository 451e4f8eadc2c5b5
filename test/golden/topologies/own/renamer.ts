import { transform } from '../../../../src/core/kind.ts'

export default transform({
  type: 'Renamer',
  doc: 'For tests: it asks for a protocol whose keys can be renamed.',
  needs: ['keys'],
  options: (z) => z.strictObject({}),
  create: () => () => ({}),
})
