import { Call, keysOf, wrongArity, type Command } from './command.ts'
import type { ValkeyModel } from './server.ts'
import type { Session } from './session.ts'
import { CommandError } from './store.ts'

const NAME_SHOWN_MAX = 128
/** What a RESP2 client with subscriptions may still send. */
const SUBSCRIBED_ALLOWED = new Set([
  'ping',
  'subscribe',
  'unsubscribe',
  'psubscribe',
  'punsubscribe',
  'ssubscribe',
  'sunsubscribe',
  'quit',
  'reset',
])
/** What runs at once although a transaction is open. */
const NEVER_QUEUED = new Set(['exec', 'discard', 'multi', 'watch', 'quit', 'reset'])

/** Finds, checks, queues and runs commands, in the order of a real server's checks. */
export class Executor {
  readonly #server: ValkeyModel

  constructor(server: ValkeyModel) {
    this.#server = server
  }

  execute(session: Session, args: Buffer[]): void {
    session.replies.muted = session.replyOff || session.skipNext
    session.skipNext = false
    session.executing = true
    session.lastMs = this.#server.world.clock.now()
    try {
      this.#check(session, args)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      session.replies.error(error.message)
    }
    session.executed()
    session.replies.muted = false
  }

  #check(session: Session, args: Buffer[]): void {
    const { transaction } = session
    const command = this.#find(session, args)
    this.#refuse(session, session.user === null && !command.flags.has('no_auth'), 'NOAUTH Authentication required.')
    if (session.replies.version === 2 && session.subscriptions > 0 && !SUBSCRIBED_ALLOWED.has(command.name))
      this.#refuse(
        session,
        true,
        `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      )
    if (transaction !== null && !NEVER_QUEUED.has(command.name)) {
      this.#refuse(session, command.flags.has('no_multi'), 'ERR Command not allowed inside a transaction')
      transaction.queue.push({ command, args })
      session.replies.simple('QUEUED')
      return
    }
    this.run(session, command, args, false)
  }

  /** Answers with the error; an open transaction can't be executed any more. */
  #refuse(session: Session, condition: boolean, error: string): void {
    if (!condition) return
    if (session.transaction !== null) session.transaction.failed = true
    throw new CommandError(error)
  }

  #find(session: Session, args: Buffer[]): Command {
    const name = args[0]!.toString('latin1').toLowerCase()
    const command = this.#server.commands.get(name)
    if (command === undefined) this.#refuse(session, true, unknownCommand(args))
    let found = command!
    if (found.subcommands !== null && args.length > 1) {
      const sub = found.subcommands.get(args[1]!.toString('latin1').toLowerCase())
      const shown = args[1]!.toString('latin1').slice(0, NAME_SHOWN_MAX)
      this.#refuse(session, sub === undefined, `ERR unknown subcommand '${shown}'. Try ${name.toUpperCase()} HELP.`)
      found = sub!
    }
    const fits = found.arity >= 0 ? args.length === found.arity : args.length >= -found.arity
    this.#refuse(session, !fits, wrongArity(found))
    return found
  }

  /** Runs one command, for a client or from its transaction. Throws CommandError. */
  run(session: Session, command: Command, args: readonly Buffer[], inTransaction: boolean): void {
    const server = this.#server
    server.commandsExecuted++
    session.lastCommand = command.name
    server.options.onExecute?.(session.id, session.database, args, inTransaction)
    const { database } = session
    try {
      command.run(new Call(server, session, command, args, inTransaction))
    } finally {
      if (server.monitors.size > 0 && !command.flags.has('skip_monitor') && !command.flags.has('admin'))
        this.#monitor(session, database, args)
    }
    if (session.tracking !== null) this.#track(session, command, args)
  }

  #track(session: Session, command: Command, args: readonly Buffer[]): void {
    if (command.flags.has('readonly')) this.#server.tracking.read(session, keysOf(command, args))
    if (command.name !== 'client|caching' && command.name !== 'exec') session.tracking!.caching = null
  }

  #monitor(session: Session, database: number, args: readonly Buffer[]): void {
    const wallMs = this.#server.world.clock.wall()
    const words = args.map((argument) => `"${shown(argument)}"`).join(' ')
    const line = `${(wallMs / 1000).toFixed(6)} [${database} ${session.address}] ${words}`
    for (const monitor of this.#server.monitors) {
      monitor.replies.simple(line)
      monitor.flush()
    }
  }
}

function unknownCommand(args: readonly Buffer[]): string {
  let shownArgs = ''
  for (let i = 1; i < args.length && shownArgs.length < NAME_SHOWN_MAX; i++)
    shownArgs += `'${args[i]!.toString('latin1').slice(0, NAME_SHOWN_MAX - shownArgs.length)}' `
  return `ERR unknown command '${args[0]!.toString('latin1').slice(0, NAME_SHOWN_MAX)}', with args beginning with: ${shownArgs}`
}

const SHOWN: Record<string, string> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
}

/** As MONITOR shows an argument. */
function shown(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[\\"]|[^\x20-\x7e]/g, (letter) => {
    return SHOWN[letter] ?? `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
