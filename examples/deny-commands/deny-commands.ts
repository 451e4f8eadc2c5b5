import { transform } from 'shotover'

/** What it refuses never reaches the server; the client gets an error in its place. */
export default transform({
  type: 'DenyCommands',
  doc: 'Answers some commands with an error.',
  needs: ['queries'],
  options: (z) =>
    z.strictObject({
      commands: z.array(z.string().min(1)).min(1).describe('Their first words, `FLUSHALL`.'),
    }),
  create({ commands }, { log }) {
    const denied = new Set(commands.map((command) => command.toUpperCase()))
    return ({ protocol, clientAddress }) => ({
      onRequests(batch, link) {
        const allowed = []
        for (const exchange of batch) {
          const command = protocol.queries!.name(exchange.request)
          if (!denied.has(command)) {
            allowed.push(exchange)
            continue
          }
          log.info(`${clientAddress} may not ${command}`)
          exchange.response = protocol.failure(exchange.request, 'rejected', `${command} is not allowed here`)
          // Replies reach the client in the order of its requests, whatever comes first here.
          link.reply([exchange])
        }
        link.forward(allowed)
      },
    })
  },
})
