import { transform } from 'shotover'
import { editStatements, renameKeyspace, RESULT } from 'shotover/cassandra'

/** Clients say `app.users`, and have the table of another keyspace. */
export default transform({
  type: 'RenameKeyspace',
  doc: 'What clients look for in one keyspace is looked for in another.',
  protocols: ['cassandra'],
  options: (z) =>
    z.strictObject({
      from: z.string().describe('The keyspace that clients name.'),
      to: z.string().describe('The keyspace that there is.'),
    }),
  create({ from, to }) {
    return ({ protocol }) => ({
      // A long statement is to come whole, large replies need not.
      wants: (kind) => (kind === RESULT ? 'head' : 'whole'),
      onRequests(batch, link) {
        for (const exchange of batch) {
          let isKnown = true
          const request = editStatements(exchange.request, (statement) => {
            if (statement.type !== 'unparsed') return renameKeyspace(statement, from, to)
            isKnown = false
            return []
          })
          // What can't be read may name the keyspace all the same.
          if (isKnown) {
            exchange.request = request
            link.forward([exchange])
          } else {
            exchange.response = protocol.failure(exchange.request, 'rejected', 'this statement is not understood here')
            link.reply([exchange])
          }
        }
      },
    })
  },
})
