import { causesOf } from '../base/errors.ts'
import { isSinkTls, tlsFiles, type SinkTls, type SourceTls } from '../core/tls.ts'
import type { TransformKind } from '../core/kind.ts'
import { readTls, TlsFileError, tlsKey } from '../world/tls-files.ts'
import type { TlsFiles } from '../world/world.ts'
import type { CheckedTls } from './checked.ts'
import type { DraftChain, DraftSource, Refusal } from './draft.ts'
import { placesOf, schemaOf } from './options.ts'
import type { Path } from './yaml-file.ts'

/** What was found of the TLS of one source or transform. */
export interface TlsCheck {
  readonly files: readonly TlsFiles[]
  readonly refused: readonly Refusal[]
}

/** Checks every `tls:` within the options of a sink, whose place is `path`. */
export async function checkSinkTls(kind: TransformKind, options: unknown, path: Path): Promise<TlsCheck> {
  const files: TlsFiles[] = []
  const refused: Refusal[] = []
  for (const place of placesOf(schemaOf(kind.options), options, isSinkTls)) {
    const check = await checkTls(place.value as SinkTls, [...path, ...place.path])
    files.push(...check.files)
    refused.push(...check.refused)
  }
  return { files, refused }
}

/** Checks a `tls:`, whose place is `path`: its files are there, and TLS can be made of them. */
export async function checkTls(tls: SinkTls | SourceTls, path: Path): Promise<TlsCheck> {
  const files = tlsFiles(tls)
  for (const [one, other] of PAIR) {
    if (tls[one] === undefined || tls[other] !== undefined) continue
    const text = `${one} was specified but ${other} was not: Either enable both or none`
    return { files: [], refused: [{ text, causes: [], path: [...path, one], hint: null }] }
  }
  try {
    await readTls(files)
    return { files: [files], refused: [] }
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error
    const [text, ...causes] = causesOf(error)
    return { files: [], refused: [{ text, causes, path: [...path, error.field], hint: hintOf(error, causes) }] }
  }
}

const PAIR = [
  ['private_key_path', 'certificate_path'],
  ['certificate_path', 'private_key_path'],
] as const

function hintOf({ message, file }: TlsFileError, causes: readonly string[]): string | null {
  if (causes.some((cause) => cause.startsWith('No such file'))) {
    return `paths are relative to the working directory, ${process.cwd()}`
  }
  return message.includes(file) ? null : `look into ${file}`
}

/** The TLS files of a topology, each set once, and who uses it. */
export function collectTls(sources: readonly DraftSource[]): readonly CheckedTls[] {
  const found = new Map<string, { files: TlsFiles; users: string[] }>()
  const add = (sets: readonly TlsFiles[], user: string) => {
    for (const files of sets) {
      const one = found.get(tlsKey(files)) ?? { files, users: [] }
      one.users.push(user)
      found.set(tlsKey(files), one)
    }
  }
  const walk = (chain: DraftChain) => {
    for (const { tls, kind, name, subChains } of chain.transforms) {
      add(tls, `${kind.type} "${name}"`)
      for (const subChain of subChains) walk(subChain)
    }
  }
  for (const { tls, options, chain } of sources) {
    add(tls, `source "${options.name}"`)
    walk(chain)
  }
  return [...found.values()]
}
