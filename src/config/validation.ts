import { withCauses } from '../base/errors.ts'
import type { SourceKind, TransformKind } from '../core/kind.ts'
import { collide, inUseText, parseListenAddress } from './addresses.ts'
import type { DraftChain, DraftSource, DraftTransform, Refusal } from './draft.ts'
import type { KindList } from './kinds.ts'
import type { Path, YamlFile } from './yaml-file.ts'

/** Where a name is used. */
interface Use {
  readonly text: string
  readonly path: Path
}

/**
 * Checks what each part of a topology can't be checked for by itself. Notes the problems in the file, and returns the lines of
 * Shotover's own report of them; none where nothing is wrong.
 */
export function validate(file: YamlFile, sources: readonly DraftSource[], kinds: KindList): string[] {
  const uses = collectNames(sources)
  const lines = [
    ...duplicates(file, 'source', uses.sources),
    ...duplicates(file, 'transform', uses.transforms),
    ...duplicates(file, 'chain', uses.chains),
  ]
  const sound: DraftSource[] = []
  for (const [index, source] of sources.entries()) {
    const inTheWay = sameAddress(file, source, sources.slice(0, index))
    // As at a start: a source that has faults of its own would not have listened.
    const isTaken = inTheWay.some((other) => sound.includes(other))
    const below = validateSource(file, source, kinds, isTaken)
    if (below.length === 0) sound.push(source)
    lines.push(...below)
  }
  return lines
}

class Names {
  readonly #uses = new Map<string, Use[]>()

  add(name: string, text: string, path: Path): void {
    const uses = this.#uses.get(name)
    if (uses === undefined) this.#uses.set(name, [{ text, path }])
    else uses.push({ text, path })
  }

  usedTwice(): [string, Use[]][] {
    const twice = [...this.#uses].filter(([, uses]) => uses.length > 1)
    return twice.sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

const quote = (name: string) => JSON.stringify(name)

function collectNames(sources: readonly DraftSource[]): { sources: Names; transforms: Names; chains: Names } {
  const names = { sources: new Names(), transforms: new Names(), chains: new Names() }
  const walk = (chain: DraftChain, chainText: string): void => {
    for (const { index, kind, name, named, path, subChains } of chain.transforms) {
      // Derived names repeat from chain to chain; only what somebody wrote can be a mistake.
      if (named)
        names.transforms.add(name, `Transform[${index}] ${kind.type} named ${quote(name)} in ${chainText}`, [
          ...path,
          'name',
        ])
      for (const subChain of subChains) {
        const texts = subChain.names.map(
          (subName) => `${chainText} -> subchain ${quote(subName)} (from Transform ${kind.type} named ${quote(name)})`,
        )
        for (const [at, subName] of subChain.names.entries()) {
          names.chains.add(subName, `chain ${quote(subName)} at ${texts[at]}`, subChain.path)
        }
        if (texts.length > 0) walk(subChain, texts[0])
      }
    }
  }
  for (const { index, options, path, chain } of sources) {
    const text = `source[${index}] ${quote(options.name)}`
    names.sources.add(options.name, text, [...path, 'name'])
    names.chains.add(options.name, `root chain for ${text}`, [...path, 'name'])
    walk(chain, `${text} chain ${quote(options.name)}`)
  }
  return names
}

function duplicates(file: YamlFile, what: string, names: Names): string[] {
  const lines: string[] = []
  for (const [name, uses] of names.usedTwice()) {
    if (lines.length === 0) lines.push(`Duplicate ${what} names detected:`)
    lines.push(`  ${quote(name)} used by:`, ...uses.map(({ text }) => `    ${text}`))
    for (const { path } of uses.slice(1)) {
      // A root chain is named as its source, about which the user is told already.
      if (what === 'chain' && path.at(-1) === 'name') continue
      const first = file.locate(uses[0].path)
      file.add(path, `the ${what} name ${quote(name)} is used twice`, `it is used first in line ${first.line}`)
    }
  }
  return lines
}

function validateSource(file: YamlFile, source: DraftSource, kinds: KindList, isTaken: boolean): string[] {
  const { options, chain } = source
  const lines: string[] = []
  if (parseListenAddress(options.listen_addr) === null) {
    const text = `Invalid listening address ${quote(options.listen_addr)}, must follow the format ip_address:port e.g. 10.0.0.1:9042`
    file.add([...source.path, 'listen_addr'], text, null)
    lines.push(text)
  }
  lines.push(...validateProtocols(file, source.kind, chain, kinds))
  const below = validateChain(file, chain).map((line) => `    ${line}`)
  if (below.length > 0) below.unshift(`  ${options.name} chain:`)
  below.unshift(...validateRefusals(file, source))
  if (isTaken && lines.length === 0) below.push(inUseText(options.listen_addr))
  if (below.length > 0) lines.push(`${options.name} source:`, ...below)
  return lines
}

/** The sources further up in the file that are to listen there too, of which the first is noted. */
function sameAddress(file: YamlFile, source: DraftSource, above: readonly DraftSource[]): readonly DraftSource[] {
  const listen = (of: DraftSource) => parseListenAddress(of.options.listen_addr)
  const own = listen(source)
  const others = above.filter((one) => {
    const address = listen(one)
    return own !== null && address !== null && collide(own, address)
  })
  if (others.length === 0) return []
  const [other] = others
  const { listen_addr: text } = source.options
  const first = file.locate([...other.path, 'listen_addr'])
  file.add(
    [...source.path, 'listen_addr'],
    `${text} can't be listened at by two sources`,
    `source ${quote(other.options.name)} in line ${first.line} listens at ${other.options.listen_addr}`,
  )
  return others
}

/** The protocol that flows into each transform is one that it takes. */
function validateProtocols(file: YamlFile, source: SourceKind, chain: DraftChain, kinds: KindList): string[] {
  const lines: string[] = []
  for (const { kind, path, subChains } of chain.transforms) {
    const accepted = kind.protocols
    if (accepted !== undefined && !accepted.some((name) => sameProtocol(name, source))) {
      const names = accepted.map((name) => protocolText(name, kinds)).join(', ')
      const text = `Transform ${kind.type} requires upchain protocol to be one of [${names}] but was ${source.type}`
      file.add(path, text, null, { atKey: true })
      lines.push(text)
    } else if (lacks(source, kind) !== null) {
      const text = `Transform ${kind.type} needs to ${lacks(source, kind)}`
      file.add(path, text, null, { atKey: true })
      lines.push(text)
    }
    for (const subChain of subChains) lines.push(...validateProtocols(file, subChain.source ?? source, subChain, kinds))
  }
  return lines
}

/** What the kind needs and the protocol does not give; null: nothing. */
function lacks({ type, protocol }: SourceKind, kind: TransformKind): string | null {
  if (kind.needs === undefined) return null
  if (protocol.queries === undefined) return `know the queries of its protocol, which ${type} does not tell`
  const renames = protocol.queries.renameKeys !== undefined
  return kind.needs.includes('keys') && !renames ? `rename keys, which ${type} can't` : null
}

function sameProtocol(name: string, source: SourceKind): boolean {
  const wanted = name.toLowerCase()
  return wanted === source.type.toLowerCase() || wanted === source.protocol.name.toLowerCase()
}

function protocolText(name: string, kinds: KindList): string {
  return Object.keys(kinds.sources).find((type) => type.toLowerCase() === name.toLowerCase()) ?? name
}

/** Each transform stands where it may; the same for sub-chains. */
function validateChain(file: YamlFile, chain: DraftChain): string[] {
  if (chain.transforms.length === 0) {
    if (chain.unknown) return []
    file.add(chain.path, 'Chain cannot be empty', 'end it with a sink')
    return ['Chain cannot be empty']
  }
  const lines: string[] = []
  const last = chain.transforms.at(-1)
  for (const transform of chain.transforms) {
    lines.push(...validateTransform(file, transform))
    if (transform.kind.terminating && transform !== last) {
      const text = `Terminating Transform ${described(transform)} is not last in chain. Terminating Transform must be last in chain.`
      file.add(transform.path, text, null, { atKey: true })
      lines.push(text)
    }
  }
  if (last !== undefined && !last.kind.terminating && !chain.unknown) {
    const text = `Non-terminating Transform ${described(last)} is last in chain. Last Transform must be terminating.`
    file.add(last.path, text, 'end the chain with a sink', { atKey: true })
    lines.push(text)
  }
  return lines
}

function described(transform: DraftTransform): string {
  return `${transform.kind.type} named ${quote(transform.name)}`
}

function validateRefusals(
  file: YamlFile,
  part: { readonly path: Path; readonly refused: readonly Refusal[] },
): string[] {
  const lines: string[] = []
  for (const { text, causes, path, hint } of part.refused) {
    file.add(path ?? part.path, [text, ...causes].join(': '), hint, { atKey: path === null })
    const shown = withCauses(text, causes).split('\n')
    lines.push(...shown.map((line) => (line === '' ? '' : `  ${line}`)))
  }
  return lines
}

function validateTransform(file: YamlFile, transform: DraftTransform): string[] {
  const lines = validateRefusals(file, transform)
  for (const subChain of transform.subChains) {
    const below = validateChain(file, subChain)
    if (below.length > 0) lines.push(`  ${subChain.names[0]} chain:`, ...below.map((line) => `    ${line}`))
  }
  return lines.length === 0 ? [] : [`${transform.kind.type}:`, ...lines]
}
