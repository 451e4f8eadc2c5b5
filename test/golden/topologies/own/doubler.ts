import { z } from 'zod'
import { transform } from '../../../../src/core/kind.ts'

export default transform({
  type: 'Doubler',
  doc: 'A transform of a user, for tests.',
  options: z.strictObject({ times: z.int() }),
  create: () => () => ({}),
})
