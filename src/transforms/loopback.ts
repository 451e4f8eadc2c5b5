import { transform } from '../core/kind.ts'

/**
 * Ends a chain without a server: the reply to each request is the request itself, byte for byte. Valkey clients see the array of
 * the command's words. Shotover has it for its own tests only.
 */
export const loopback = transform({
  type: 'Loopback',
  doc: 'Answers every request with the request itself.',
  terminating: true,
  options: (z) => z.strictObject({}),
  create() {
    return () => ({
      wants: () => 'whole',
      onRequests(batch, link) {
        for (const exchange of batch) exchange.response = exchange.request
        link.reply(batch)
      },
    })
  },
})
