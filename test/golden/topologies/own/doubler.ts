import { transform } from '../../../../src/core/kind.ts'

export default transform({
  type: 'Doubler',
  doc: 'A transform of a user, for tests.',
  options: (z) => z.strictObject({ times: z.int() }),
  create: () => () => ({}),
})
