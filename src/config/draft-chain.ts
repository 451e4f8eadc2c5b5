import type { SourceKind, TransformKind } from '../core/kind.ts'
import { didYouMean, oneOf } from './diagnostics.ts'
import type { DraftChain, DraftSubChain, DraftTransform } from './draft.ts'
import { FIELDS_NOT_YET, RENAMED_KINDS, SHOTOVER_TRANSFORMS, type KindList } from './kinds.ts'
import { checkOptions, describeValue, schemaOf } from './options.ts'
import { checkSinkTls } from './tls.ts'
import { PackageNotFound, isUserKind, loadUserKind, type UserKind, type Versions } from './user-kinds.ts'
import type { Path, YamlFile } from './yaml-file.ts'

/** What reading a topology needs at every depth. */
export interface Reading {
  readonly file: YamlFile
  readonly kinds: KindList
  /** Users' transforms are found from here. */
  readonly directory: string
  readonly versions: Versions
}

/** The key and the value of a map with one key, whose place is `path`; null where it is none, which is then noted. */
export function singleKey(
  reading: Reading,
  value: unknown,
  path: Path,
  known: readonly string[],
): [string, unknown] | null {
  const { file } = reading
  if (typeof value === 'string') {
    const hint = known.includes(value)
      ? `write \`${value}:\`, with a colon`
      : `write a map with one key, such as \`${known[0]}:\``
    file.add(path, `invalid type: ${describeValue(value, path)}, expected a map with one key`, hint)
    return null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    file.add(path, `invalid type: ${describeValue(value, path)}, expected a map with one key`, null)
    return null
  }
  const entries = Object.entries(value)
  if (entries.length === 1) return entries[0]
  const outdented = entries.length > 1 && entries[0][1] === null
  const hint = outdented ? `the fields of \`${entries[0][0]}\` must be indented further than it` : null
  const keys = entries.length === 0 ? 'none' : entries.map(([key]) => `\`${key}\``).join(', ')
  file.add(path, `invalid value: map with ${entries.length} keys (${keys}), expected a map with one key`, hint)
  return null
}

/** Notes that `key` is no kind; `otherwise` is the hint where nothing like it is known. */
export function unknownKind(
  reading: Reading,
  key: string,
  path: Path,
  known: readonly string[],
  shotovers: readonly string[],
  otherwise: string | null = null,
): void {
  const { file } = reading
  const place = { atKey: true, shownPath: path }
  if (shotovers.includes(key)) {
    file.add([...path, key], `${key} is not supported yet`, 'Shotover has it; this version does not', place)
    return
  }
  const renamed = RENAMED_KINDS[key]
  const meant = didYouMean(key, [...known, ...shotovers])
  let hint = meant === null ? otherwise : `did you mean \`${meant}\`?`
  if (renamed !== undefined) hint = `it is called \`${renamed}\` now`
  file.add([...path, key], `unknown variant \`${key}\`, expected ${oneOf(known)}`, hint, place)
}

/** Reads the chain at `path`, sub-chains included. */
export async function readChain(
  reading: Reading,
  value: unknown,
  path: Path,
  names: readonly string[],
): Promise<DraftChain> {
  if (!Array.isArray(value)) {
    reading.file.add(path, `invalid type: ${describeValue(value, path)}, expected a sequence`, null)
    return { names, path, transforms: [], unknown: true }
  }
  const transforms: DraftTransform[] = []
  const ordinals = new Map<string, number>()
  for (const [index, entry] of value.entries()) {
    const transform = await readTransform(reading, entry, [...path, index], index, ordinals)
    if (transform !== null) transforms.push(transform)
  }
  return { names, path, transforms, unknown: transforms.length < value.length }
}

async function readTransform(
  reading: Reading,
  entry: unknown,
  place: Path,
  index: number,
  ordinals: Map<string, number>,
): Promise<DraftTransform | null> {
  const { file } = reading
  const single = singleKey(reading, entry, place, Object.keys(reading.kinds.transforms))
  if (single === null) return null
  const [key, fields] = single
  const path = [...place, key]
  const found = await findKind(reading, key, place)
  if (found === null) return null
  const { kind, module, version } = found
  const ordinal = (ordinals.get(kind.type) ?? 0) + 1
  ordinals.set(kind.type, ordinal)
  if (fields !== null && (typeof fields !== 'object' || Array.isArray(fields))) {
    file.add(path, `invalid type: ${describeValue(fields, path)}, expected a map`, null)
    return null
  }
  const { name: written, ...options } = (fields ?? {}) as Record<string, unknown>
  const named = typeof written === 'string'
  if (!named && written !== undefined && written !== null) {
    file.add([...path, 'name'], `invalid type: ${describeValue(written, path)}, expected a string`, null)
  }
  const name = named ? written : `${kind.type}-${ordinal}`
  const notSupported = FIELDS_NOT_YET[kind.type] ?? []
  const checked = checkOptions(schemaOf(kind.options), options, { file, path, otherFields: ['name'], notSupported })
  const { options: valid } = checked
  const subChains = valid === undefined ? [] : await readSubChains(reading, kind, valid, name, path)
  const tls = valid === undefined ? { files: [], refused: [] } : await checkSinkTls(kind, valid, path)
  const senseless = checked.refused.map((text) => ({ text, causes: [], path: null, hint: null }))
  return {
    index,
    path,
    kind,
    module,
    version,
    name,
    named,
    options: valid,
    refused: [...senseless, ...tls.refused],
    tls: tls.files,
    subChains,
  }
}

async function findKind(
  reading: Reading,
  key: string,
  place: Path,
): Promise<UserKind | { kind: TransformKind; module: undefined; version: 0 } | null> {
  const { kinds, file, directory, versions } = reading
  if (Object.hasOwn(kinds.transforms, key))
    return { kind: await kinds.transforms[key](), module: undefined, version: 0 }
  const known = Object.keys(kinds.transforms)
  if (!isUserKind(key)) {
    unknownKind(reading, key, place, known, SHOTOVER_TRANSFORMS)
    return null
  }
  try {
    return await loadUserKind(key, directory, versions)
  } catch (error) {
    if (error instanceof PackageNotFound) unknownKind(reading, key, place, known, SHOTOVER_TRANSFORMS, error.message)
    else file.add([...place, key], (error as Error).message, null, { atKey: true, shownPath: place })
    return null
  }
}

async function readSubChains(
  reading: Reading,
  kind: TransformKind,
  options: unknown,
  name: string,
  path: Path,
): Promise<DraftSubChain[]> {
  const subChains: DraftSubChain[] = []
  for (const { place, names, protocol, isDetached } of kind.subChains?.(options, name) ?? []) {
    const steps = place.split('.')
    let value = options
    for (const step of steps) value = (value as Record<string, unknown>)[step]
    const chain = await readChain(reading, value, [...path, ...steps], names)
    subChains.push({ ...chain, place, source: await sourceOf(reading, protocol), isDetached: isDetached === true })
  }
  return subChains
}

async function sourceOf(reading: Reading, protocol: string | undefined): Promise<SourceKind | null> {
  if (protocol === undefined || !Object.hasOwn(reading.kinds.sources, protocol)) return null
  return await reading.kinds.sources[protocol]()
}
