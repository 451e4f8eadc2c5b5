import { transform } from 'shotover'

/** Clients say `GET a`, the server is asked for `GET app1:a`. */
export default transform({
  type: 'RewriteKeys',
  doc: 'Puts a prefix before every key.',
  needs: ['keys'],
  options: (z) =>
    z.strictObject({
      prefix: z.string().min(1).describe('What is put before every key, `app1:`.'),
    }),
  // Once per topology and thread: what all clients share is made here.
  create({ prefix }) {
    // Once per client.
    return ({ protocol }) => ({
      // An MSET of many megabytes has keys at its end: messages are to come whole.
      wants: () => 'whole',
      onRequests(batch, link) {
        for (const { request } of batch) protocol.queries!.renameKeys!(request, (key) => prefix + key)
        link.forward(batch)
      },
    })
  },
})
