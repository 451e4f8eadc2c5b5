import { stringify } from 'yaml'
import { z } from 'zod'
import { FIELDS_NOT_YET, KINDS, SHOTOVER_SOURCES, SHOTOVER_TRANSFORMS } from '../../src/config/kinds.ts'
import { schemaOf } from '../../src/config/options.ts'
import { settingsSchema } from '../../src/config/settings.ts'
import { sourceSchemaOf } from '../../src/config/topology.ts'
import { LIMITS, type SourceKind, type TransformKind } from '../../src/core/kind.ts'
import { FAMILIES } from '../../src/observability/names.ts'
import { optionRows, OPTIONS_HEAD, type JsonSchema } from './options.ts'

/** Every kind of the list, loaded. */
export interface Kinds {
  readonly sources: readonly SourceKind[]
  readonly transforms: readonly TransformKind[]
}

export async function loadKinds(): Promise<Kinds> {
  const sources = await Promise.all(Object.values(KINDS.sources).map((load) => load()))
  const transforms = await Promise.all(Object.values(KINDS.transforms).map((load) => load()))
  return { sources, transforms }
}

const GENERATED = '<!-- Written by `npm run docs` from what the code says of itself. Change it there. -->'

/** The pages of the reference by the name of their file. */
export function referencePages(kinds: Kinds): Record<string, string> {
  const pages: Record<string, string> = { 'README.md': indexPage(kinds), 'config.md': configPage() }
  for (const kind of kinds.sources) pages[`${kind.type}.md`] = sourcePage(kind, kinds)
  for (const kind of kinds.transforms) pages[`${kind.type}.md`] = transformPage(kind, kinds)
  return pages
}

const lines = (...parts: readonly (string | readonly string[])[]) => `${parts.flat().join('\n')}\n`

function indexPage({ sources, transforms }: Kinds): string {
  const row = ({ type, doc }: { type: string; doc: string }) => `| [\`${type}\`](${type}.md) | ${doc} |`
  const table = (title: string, rows: readonly string[]) => ['', `## ${title}`, '', '| | |', '| --- | --- |', ...rows]
  return lines(
    GENERATED,
    '# Reference',
    '',
    'Everything that a topology can name, and [config.yaml](config.md). `shotover schema topology` says the same to editors.',
    table('Sources', sources.map(row)),
    table('Transforms', transforms.filter(({ terminating }) => !terminating).map(row)),
    table('Sinks', transforms.filter(({ terminating }) => terminating).map(row)),
    notYet(),
    '',
    '## Metrics that all of them have',
    '',
    'Each of its own metrics stands on the page of a type; these every source, chain and transform has. [Metrics](../observability.md) says more of each.',
    '',
    metricTable(Object.keys(FAMILIES).filter((name) => !transforms.some(({ metrics }) => metrics?.includes(name)))),
  )
}

/** What topologies of Shotover may name and this version refuses. */
function notYet(): string[] {
  const missing = [
    ...SHOTOVER_SOURCES.filter((type) => !Object.hasOwn(KINDS.sources, type)),
    ...SHOTOVER_TRANSFORMS.filter((type) => !Object.hasOwn(KINDS.transforms, type)),
    ...Object.entries(FIELDS_NOT_YET).flatMap(([type, fields]) => fields.map((field) => `${type}.${field}`)),
  ]
  if (missing.length === 0) return []
  const list = missing.map((name) => `\`${name}\``).join(', ')
  return ['', '## Not there yet', '', `Of what Shotover has, this version refuses by name: ${list}.`]
}

function metricTable(names: readonly string[]): string[] {
  const rows = names.map((name) => `| \`${name}\` | ${FAMILIES[name]?.type ?? ''} | ${FAMILIES[name]?.help ?? ''} |`)
  return ['| metric | type | |', '| --- | --- | --- |', ...rows]
}

const snakeCase = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const LIMIT_DEFAULTS = Object.fromEntries(
  Object.entries(LIMITS).map(([key, value]) => [`limits.${snakeCase(key)}`, value]),
)

function configPage(): string {
  return lines(
    GENERATED,
    '# config.yaml',
    '',
    'The settings of the process. [Configuration](../configuration.md) says more.',
    '',
    OPTIONS_HEAD,
    optionRows(jsonOf(settingsSchema), LIMIT_DEFAULTS),
  )
}

function sourcePage(kind: SourceKind, kinds: Kinds): string {
  const { type, doc } = kind
  return lines(
    GENERATED,
    `# ${type}`,
    '',
    `A source. ${doc}`,
    '',
    '## Options',
    '',
    OPTIONS_HEAD,
    optionRows(jsonOf(sourceSchemaOf(kind))),
    '',
    '## Example',
    '',
    exampleBlock(sourceExample(kind, kinds)),
  )
}

function transformPage(kind: TransformKind, kinds: Kinds): string {
  const { type, doc, terminating, metrics } = kind
  return lines(
    GENERATED,
    `# ${type}`,
    '',
    doc,
    '',
    terminating ? 'A sink: it ends a chain.' : 'A transform: it stands before a sink.',
    `Protocols: ${protocolsText(kind, kinds)}.`,
    '',
    '## Options',
    '',
    OPTIONS_HEAD,
    NAME_ROW,
    optionRows(jsonOf(schemaOf(kind.options))),
    metrics === undefined ? [] : ['', '## Metrics', '', ...metricTable(metrics)],
    '',
    '## Example',
    '',
    exampleBlock(transformExample(kind, kinds)),
  )
}

const NAME_ROW = '| `name` | string | | Name of the transform, unique in the file; made of its type where absent. |'

/** Names of the sources behind which it can stand. */
function protocolsText(kind: TransformKind, { sources }: Kinds): string {
  const accepted = sources.filter((source) => takes(kind, source)).map(({ type }) => type)
  const all = accepted.length === sources.length && kind.protocols === undefined
  return all ? 'all' : accepted.join(', ')
}

function takes({ protocols, needs }: TransformKind, { type, protocol }: SourceKind): boolean {
  if (needs?.includes('queries') === true && protocol.queries === undefined) return false
  if (protocols === undefined) return true
  return protocols.some((name) => [type, protocol.name].some((own) => own.toLowerCase() === name.toLowerCase()))
}

const jsonOf = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' }) as JsonSchema

const exampleBlock = (topology: unknown) => ['```yaml', stringify(topology, { lineWidth: 0 }).trimEnd(), '```']

/** Where clients of a protocol expect a server. */
const PORTS: Readonly<Record<string, number>> = { Cassandra: 9042, Kafka: 9092, OpenSearch: 9200, Valkey: 6379 }
/** The source of examples of what any protocol can have. */
const COMMON_SOURCE = 'Valkey'

function sourceExample(kind: SourceKind, kinds: Kinds): unknown {
  return topologyOf(kind, [entryOf(sinkFor(kind, kinds))])
}

/** A topology that shows a transform; what the reference shows, and its test loads. */
export function transformExample(kind: TransformKind, kinds: Kinds): unknown {
  const sources = kinds.sources.filter((one) => takes(kind, one))
  const source = sources.find(({ type }) => type === COMMON_SOURCE) ?? sources[0]
  if (source === undefined) throw new Error(`${kind.type} takes no protocol of any source`)
  return topologyOf(source, [entryOf(kind), ...(kind.terminating ? [] : [entryOf(sinkFor(source, kinds))])])
}

function topologyOf({ type }: SourceKind, chain: readonly unknown[]): unknown {
  return { sources: [{ [type]: { name: type.toLowerCase(), listen_addr: `127.0.0.1:${PORTS[type] ?? 9000}`, chain } }] }
}

const entryOf = ({ type, example }: TransformKind) => ({ [type]: { ...example } })

/** The sink of that protocol that needs the least explaining. */
function sinkFor(source: SourceKind, { transforms }: Kinds): TransformKind {
  const sinks = transforms.filter(({ terminating, protocols }) => terminating && protocols !== undefined)
  const own = sinks.filter((sink) => takes(sink, source))
  return (
    own.find(({ type }) => type.endsWith('SinkSingle')) ?? own[0] ?? transforms.find(({ type }) => type === 'NullSink')!
  )
}
