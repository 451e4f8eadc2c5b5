import { transform } from 'shotover'
import { mapRows, RESULT, withMetadata, type Column, type Value } from 'shotover/cassandra'

/** Whoever reads through this source sees `***` in some columns. */
export default transform({
  type: 'MaskColumns',
  doc: 'Replaces the text in columns of these names, in the rows of every reply.',
  protocols: ['cassandra'],
  options: (z) =>
    z.strictObject({
      columns: z.array(z.string()).min(1).describe('Names of columns. What they have that is no text becomes null.'),
    }),
  create({ columns }) {
    const mask = ({ name, type }: Column) => {
      if (!columns.includes(name)) return null
      return (value: Value) => (value === null || (type.type !== 'text' && type.type !== 'ascii') ? null : '***')
    }
    return () => ({
      wants: () => 'whole',
      onRequests(batch, link) {
        // Drivers know the columns of what they have prepared, and ask for rows without their names.
        for (const exchange of batch) exchange.request = withMetadata(exchange.request)
        link.forward(batch)
      },
      onResponses(batch, link) {
        for (const exchange of batch)
          if (exchange.response!.kind === RESULT) exchange.response = mapRows(exchange.response!, mask)
        link.reply(batch)
      },
    })
  },
})
