import { transform } from '../../../../src/core/kind.ts'

export default transform({ type: 'NoOptions', doc: '', create: () => () => ({}) } as unknown as Parameters<
  typeof transform
>[0])
