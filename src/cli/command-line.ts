import { availableParallelism } from 'node:os'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { didYouMean } from '../config/diagnostics.ts'
import type { LogFormat } from '../observability/log-format.ts'
import type { DemoFlags } from './demo.ts'
import type { ExplainFlags } from './explain.ts'
import type { MockProtocol } from './mock.ts'
import { VERSION } from './version.ts'

const TOPOLOGY_FILE = 'config/topology.yaml'

/** Flags that say what to run, and how. */
export interface FileFlags {
  readonly topologyFile: string
  readonly configFile: string
}

export interface RunFlags extends FileFlags {
  readonly coreThreads: number
  readonly logFormat: LogFormat
  readonly drainDeadlineSeconds?: number
  readonly workerForOne?: boolean
  /** Transforms of one's own are read anew when their files are saved. */
  readonly reload: boolean
}

/** The command line was none of ours; said on standard error. */
const USAGE_ERROR = 2

/** Runs the command that `args` name and returns the exit code of the process. Each command's code is loaded only where it runs. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let code = 0
  const program = buildProgram((exitCode) => {
    code = exitCode
  })
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR
    throw error
  }
  return code
}

function buildProgram(done: (exitCode: number) => void): Command {
  const program = new Command('shotover')
    .description(
      'A proxy that reads the protocols of databases and message brokers, and passes them through chains of transforms.',
    )
    .version(`shotover ${VERSION}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(--help lists the flags)')
    .allowExcessArguments(true)
  addFileFlags(program)
  addRunFlags(program)
  program.action(async (flags: RunFlags) => {
    if (program.args.length > 0) unknownCommand(program, program.args[0])
    done(await (await import('./run.ts')).run(flags))
  })
  addFileFlags(program.command('check').allowExcessArguments(false))
    .description('check topology and config, print everything that is wrong, and run nothing')
    .action(async (flags: FileFlags) => done(await (await import('./check.ts')).check(flags)))
  program
    .command('explain')
    .allowExcessArguments(false)
    .option('-t, --topology-file <path>', 'topology', TOPOLOGY_FILE)
    .option('-c, --config-file <path>', 'config, for its limits')
    .description('print what each transform would do with a request, and where it would be sent; nothing is sent')
    .argument('<request>', "as one types it: 'SET a 1'")
    .option('--source <name>', 'the source whose chain it is; absent: every source in turn')
    .option('--json', 'print it as JSON')
    .action(async (request: string, flags: ExplainFlags) =>
      done(await (await import('./explain.ts')).explain(request, flags)),
    )
  program
    .command('demo')
    .allowExcessArguments(false)
    .description('run the topology of examples/demo in front of an in-memory store, for trying out')
    .option('--listen <address>', 'where to listen, such as 127.0.0.1:7000')
    .option('--upstream <address>', 'a Valkey or Redis server to use instead of the in-memory store')
    .action(async (flags: DemoFlags) => done(await (await import('./demo.ts')).demo(flags)))
  program
    .command('schema')
    .allowExcessArguments(false)
    .description(
      'print the JSON schema (draft-07) of topology.yaml or config.yaml, for editors: every source, transform and sink with its options',
    )
    .option(
      '-t, --topology-file <path>',
      'a topology: the transforms of your own that it names are loaded, and their options are part of the schema',
    )
    .addArgument(program.createArgument('<file>', 'which one').choices(['topology', 'config']))
    .action(async (file: 'topology' | 'config', { topologyFile }: { topologyFile?: string }) =>
      done(await (await import('./schema.ts')).schema(file, topologyFile ?? null)),
    )
  program
    .command('mock')
    .allowExcessArguments(false)
    .description('run a server in memory, for tests of programs that need one; nothing is kept')
    .addArgument(program.createArgument('<protocol>', 'what it speaks').choices(['valkey', 'cassandra']))
    .option('--listen <address>', 'where to listen, such as 127.0.0.1:9042; port 0 draws one')
    .action(async (protocol: MockProtocol, flags: { listen?: string }) =>
      done(await (await import('./mock.ts')).mock(protocol, flags)),
    )
  addOwnCommands(program, done)
  return program
}

/** For who writes transforms of his own. */
function addOwnCommands(program: Command, done: (code: number) => void): void {
  program
    .command('new')
    .description('write a transform of your own, with its test, to start from')
    .command('transform')
    .allowExcessArguments(false)
    .description('write a working transform into a new folder of that name')
    .argument('<name>', 'words with dashes, such as mask-values')
    .action(async (name: string) => done((await import('./new.ts')).newTransform(name)))
  program
    .command('test')
    .description("run the tests of transforms of your own; 'shotover', 'shotover/kit' and 'zod' need not be installed")
    .argument('[paths...]', 'test files, or folders with some; absent: all below this folder')
    .action(async (paths: string[]) => done(await (await import('./test.ts')).runTests(paths)))
}

function unknownCommand(program: Command, word: string): never {
  const meant = didYouMean(
    word,
    program.commands.map((command) => command.name()),
  )
  const hint = meant === null ? '' : `\n(Did you mean ${meant}?)`
  return program.error(`error: unknown command '${word}'${hint}`)
}

function addFileFlags(command: Command): Command {
  return command
    .option('-t, --topology-file <path>', 'topology', TOPOLOGY_FILE)
    .option('-c, --config-file <path>', 'config', 'config/config.yaml')
}

function addRunFlags(command: Command): void {
  command
    .option('--core-threads <count>', 'threads that serve clients', wholeNumber(1), availableParallelism())
    .option('--stack-size <bytes>', 'accepted for compatibility, without effect', wholeNumber(0), 2097152)
    .addOption(
      new Option('--log-format <format>', 'format of the log on standard output')
        .choices(['human', 'json'])
        .default('human'),
    )
    .option(
      '--drain-deadline-seconds <seconds>',
      'after SIGTERM: how long clients may take to finish before they are cut off; absent: as long as they need',
      wholeNumber(0),
    )
    .option('--worker-for-one', 'serve on a thread of its own even with --core-threads 1')
    .option('--no-reload', 'leave transforms of your own as they are when their files are saved')
    .addOption(new Option('--hotreload-socket <path>', 'hot reload: not supported yet').argParser(notSupportedYet))
    .addOption(
      new Option('--hotreload-gradual-shutdown-seconds <seconds>', 'hot reload: not supported yet').argParser(
        notSupportedYet,
      ),
    )
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
      throw new InvalidArgumentError('It must be a whole number.')
    if (Number(text) < least) throw new InvalidArgumentError(`It must be ${least} or more.`)
    return Number(text)
  }
}

function notSupportedYet(): never {
  throw new InvalidArgumentError('Hot reload is not supported yet.')
}
