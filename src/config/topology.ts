import { z } from 'zod'
import { LIMITS, type Limits, type SourceKind } from '../core/kind.ts'
import { sourceTls, tlsFiles } from '../core/tls.ts'
import { parseListenAddress } from './addresses.ts'
import type { CheckedSource, CheckedTopology, CheckedTransform } from './checked.ts'
import { ConfigError, didYouMean } from './diagnostics.ts'
import { readChain, singleKey, unknownKind, type Reading } from './draft-chain.ts'
import type { DraftChain, DraftSource, DraftTransform } from './draft.ts'
import { FIELDS_NOT_YET, KINDS, SHOTOVER_SOURCES, type KindList } from './kinds.ts'
import { sourceLimits, toLimits } from './limits.ts'
import { checkOptions, describeValue } from './options.ts'
import { checkTls, collectTls } from './tls.ts'
import type { Versions } from './user-kinds.ts'
import { validate } from './validation.ts'
import { TOPOLOGY_WORDS, YamlFile, readText, type Path } from './yaml-file.ts'

/** What every source has. */
const sourceSchema = z.strictObject({
  name: z.string().describe('Name of the source and of its chain; unique in the file.'),
  listen_addr: z.string().describe('Address to listen at: `ip:port`, or `unix:/path` for a socket of the file system.'),
  connection_limit: z.int().min(0).describe('Clients that may be connected at once; 512 where absent.').optional(),
  hard_connection_limit: z
    .boolean()
    .describe('At the limit: true refuses further clients, false (where absent) lets them wait to be accepted.')
    .optional(),
  timeout: z
    .int()
    .min(0)
    .describe('Seconds without a request after which a client is disconnected; never where absent.')
    .optional(),
  tls: sourceTls(z).optional(),
  proxy_protocol: z
    .boolean()
    .describe(
      'Connections come from a balancer and begin with a PROXY header, version 1 or 2, that says who the client is. Absent: false.',
    )
    .optional(),
  limits: sourceLimits.describe('Bounds, for the clients of this source.').optional(),
  chain: z.array(z.unknown()).describe('Transforms, the last one a sink.'),
})

/** What a source of this kind may have. */
export function sourceSchemaOf({ fields }: SourceKind): typeof sourceSchema {
  // Fields of its own are only checked: nobody reads them.
  return fields === undefined ? sourceSchema : (sourceSchema.extend(fields(z)) as unknown as typeof sourceSchema)
}

const CONNECTION_LIMIT = 512

export interface TopologyOptions {
  readonly kinds: KindList
  /** Limits of config.yaml. */
  readonly limits: Partial<Limits>
  /** Users' transforms are found from here. */
  readonly directory: string
  readonly versions: Versions
}

function withDefaults(options: Partial<TopologyOptions>): TopologyOptions {
  return { kinds: KINDS, limits: {}, directory: process.cwd(), versions: new Map(), ...options }
}

/** Reads topology.yaml, and imports the users' transforms that it names. Throws ConfigError. */
export async function readTopology(path: string, options: Partial<TopologyOptions> = {}): Promise<CheckedTopology> {
  return await checkTopology(path, readText(path, TOPOLOGY_WORDS), options)
}

/** Checks the text of a topology.yaml. Throws ConfigError with everything that is wrong. */
export async function checkTopology(
  name: string,
  text: string,
  options: Partial<TopologyOptions> = {},
): Promise<CheckedTopology> {
  const { kinds, limits, directory, versions } = withDefaults(options)
  const file: YamlFile = new YamlFile(name, text, TOPOLOGY_WORDS)
  const sources = await readSources({ file, kinds, directory, versions })
  const malformed = file.problemCount
  const lines = validate(file, sources, kinds)
  if (malformed > 0) file.throwProblems(malformed)
  if (lines.length > 0) throw new ConfigError([`Topology errors\n${lines.join('\n')}\n`], file.problems())
  const tls = collectTls(sources)
  return { sources: sources.map((source) => checkedSource(source, limits)), ...(tls.length === 0 ? {} : { tls }) }
}

async function readSources(reading: Reading): Promise<DraftSource[]> {
  const { file } = reading
  const root = file.value ?? {}
  if (typeof root !== 'object' || Array.isArray(root)) {
    file.add([], `invalid type: ${describeValue(root, [])}, expected a map`, null)
    return []
  }
  for (const key of Object.keys(root)) {
    if (key === 'sources') continue
    const hint = didYouMean(key, ['sources']) === null ? null : 'did you mean `sources`?'
    file.add([key], `unknown field \`${key}\`, expected \`sources\``, hint, { atKey: true, shownPath: [] })
  }
  const list = (root as { sources?: unknown }).sources
  if (list === undefined) file.add([], 'missing field `sources`', null, { missing: true })
  else if (!Array.isArray(list)) {
    file.add(['sources'], `invalid type: ${describeValue(list, ['sources'])}, expected a sequence`, null)
  } else {
    const sources: DraftSource[] = []
    for (const [index, entry] of list.entries()) {
      const source = await readSource(reading, entry, index)
      if (source !== null) sources.push(source)
    }
    return sources
  }
  return []
}

async function readSource(reading: Reading, entry: unknown, index: number): Promise<DraftSource | null> {
  const { file, kinds } = reading
  const place: Path = ['sources', index]
  const known = Object.keys(kinds.sources)
  const single = singleKey(reading, entry, place, known)
  if (single === null) return null
  const [type, fields] = single
  if (!Object.hasOwn(kinds.sources, type)) {
    unknownKind(reading, type, place, known, SHOTOVER_SOURCES)
    return null
  }
  const path = [...place, type]
  const notSupported = FIELDS_NOT_YET[type] ?? []
  const kind = await kinds.sources[type]()
  const { options } = checkOptions(sourceSchemaOf(kind), fields, { file, path, otherFields: [], notSupported })
  // The chain is read even where other fields are wrong: all problems of a file are shown at once.
  const written = (fields as { chain?: unknown } | null)?.chain
  if (options === undefined && !Array.isArray(written)) return null
  const chain = await readChain(reading, written, [...path, 'chain'], [options?.name ?? type])
  if (options === undefined) return null
  const { files: tls, refused } =
    options.tls === undefined ? { files: [], refused: [] } : await checkTls(options.tls, [...path, 'tls'])
  return { index, path, type, kind, options, refused, tls, chain }
}

function checkedSource(source: DraftSource, limits: Partial<Limits>): CheckedSource {
  const { type, options, chain } = source
  const listen = parseListenAddress(options.listen_addr)
  if (listen === null) throw new Error('an invalid listening address passed the check')
  return {
    type,
    name: options.name,
    listen,
    listenText: options.listen_addr,
    connectionLimit: options.connection_limit ?? CONNECTION_LIMIT,
    hardConnectionLimit: options.hard_connection_limit ?? false,
    ...(options.proxy_protocol === true ? { proxyProtocol: true } : {}),
    idleTimeoutSeconds: options.timeout ?? null,
    limits: { ...LIMITS, ...limits, ...toLimits(options.limits) },
    ...(options.tls === undefined ? {} : { tls: tlsFiles(options.tls) }),
    chain: checkedChain(chain),
  }
}

function checkedChain(chain: DraftChain): CheckedTransform[] {
  return chain.transforms.map(checkedTransform)
}

function checkedTransform({ kind, name, options, module, version, subChains }: DraftTransform): CheckedTransform {
  const transform: CheckedTransform = { type: kind.type, name, options }
  if (subChains.length === 0 && module === undefined) return transform
  const chains = Object.fromEntries(
    subChains.map((chain) => {
      const protocol = chain.source === null ? {} : { protocol: chain.source.type }
      const detached = chain.isDetached ? { isDetached: true as const } : {}
      return [chain.place, { names: chain.names, ...protocol, ...detached, chain: checkedChain(chain) }]
    }),
  )
  return {
    ...transform,
    ...(module === undefined ? {} : { module }),
    ...(version === 0 ? {} : { version }),
    ...(subChains.length === 0 ? {} : { chains }),
  }
}
