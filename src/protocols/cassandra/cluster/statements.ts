import type { Frame } from '../../../core/frame.ts'
import { bodyOf, encodeBody, plain } from '../body/body.ts'
import type { Column } from '../body/results.ts'
import { CorruptError } from '../corrupt-error.ts'
import { ID_BYTES_MAX, IdCache } from '../id-cache.ts'
import { murmur3 } from '../murmur3.ts'
import { BATCH, EXECUTE, PREPARE, RESULT } from '../opcodes.ts'
import type { Reader } from '../reader.ts'
import { requestReader, statementId, textAt } from '../request.ts'
import { systemSelect, type SystemSelect } from './system-select.ts'

/** Statements that are kept, and bytes of their texts; the first that was not executed since its turn came last is forgotten. */
const STATEMENTS_MAX = 20_000
const TEXT_BYTES_MAX = 32 * 1024 * 1024

/** A statement that some node was asked to prepare, and its answer. */
export interface PreparedStatement {
  readonly id: Buffer
  readonly text: string
  /** The keyspace that names without one mean; null: none was chosen. The id is made of it and of the text. */
  readonly keyspace: string | null
  /** Which markers are the partition key, in its order; empty where that is not told, as always in version 3. */
  readonly keyIndices: readonly number[]
  /** The column that each marker is of, or its own name, and its type. */
  readonly markers: readonly Column[]
  /** What it selects of the nodes; null where it is about something else. */
  readonly system: SystemSelect | null
}

interface Kept {
  readonly statement: PreparedStatement
  /** Which columns it brings, as a node said last. */
  result: string
  /** At some time they were others: its table was altered. */
  isChanged: boolean
  isUsed: boolean
}

/** What was prepared through this thread, by id: an id is a hash of the text and the keyspace, and so the same on all nodes. */
export class Statements {
  readonly #kept = new Map<string, Kept>()
  /** Ids whose clients were told to prepare them here, and which were not learnt since. */
  readonly #wanted = new Set<string>()
  readonly #lately = new IdCache<Kept>()
  readonly #statementsMax: number
  readonly #textBytesMax: number
  #textBytes = 0

  constructor(statementsMax = STATEMENTS_MAX, textBytesMax = TEXT_BYTES_MAX) {
    this.#statementsMax = statementsMax
    this.#textBytesMax = textBytesMax
  }

  get size(): number {
    return this.#kept.size
  }

  /**
   * A PREPARE was answered, in whole. Null where it was refused, or can't be read.
   * @param keyspace What the session had chosen when it asked; a PREPARE may name another one from version 5 on.
   */
  learn(request: Frame, reply: Frame, keyspace: string | null): PreparedStatement | null {
    if (request.kind !== PREPARE || reply.kind !== RESULT || !request.whole || !reply.whole) return null
    try {
      const asked = bodyOf(request).message
      const told = bodyOf(reply).message
      if (asked.type !== 'prepare' || told.type !== 'prepared' || told.id.length > ID_BYTES_MAX) return null
      const text = Buffer.from(asked.text)
      const spoken = asked.keyspace ?? keyspace
      const markers = told.bound.columns ?? []
      const system = systemSelect(text, spoken)
      const statement: PreparedStatement = {
        // What is kept for long holds no other bytes.
        id: Buffer.from(told.id),
        text: asked.text,
        keyspace: spoken,
        keyIndices: told.keyIndices,
        markers,
        system: system === null ? null : { ...system, markers, columns: told.result.columns },
      }
      this.#keep(statement, keyOf(told.result.columns))
      return statement
    } catch (error) {
      if (error instanceof CorruptError) return null
      throw error
    }
  }

  /** A node was asked to prepare it once more. */
  learnAgain(statement: PreparedStatement, reply: Frame): void {
    const kept = this.#kept.get(statement.id.toString('latin1'))
    const { message: told } = bodyOf(reply)
    if (kept === undefined || told.type !== 'prepared') return
    const result = keyOf(told.result.columns)
    kept.isChanged ||= result !== kept.result
    kept.result = result
  }

  /** What it brings is not what it once was: who goes by the columns that he was told of, as before version 5, would misread its rows. */
  isChanged(statement: PreparedStatement): boolean {
    return this.#kept.get(statement.id.toString('latin1'))?.isChanged === true
  }

  #keep(statement: PreparedStatement, result: string): void {
    const key = statement.id.toString('latin1')
    const known = this.#kept.get(key)
    const isChanged = known !== undefined && (known.isChanged || known.result !== result)
    this.#drop(key)
    this.#wanted.delete(key)
    this.#kept.set(key, { statement, result, isChanged, isUsed: true })
    this.#textBytes += statement.text.length
    while (this.#kept.size > 1 && (this.#kept.size > this.#statementsMax || this.#textBytes > this.#textBytesMax))
      this.#forgetOne()
  }

  #drop(key: string): void {
    this.#lately.clear()
    const known = this.#kept.get(key)
    if (known === undefined) return
    this.#kept.delete(key)
    this.#textBytes -= known.statement.text.length
  }

  /** The first one that was not executed since it was looked at; those before it get another turn. */
  #forgetOne(): void {
    for (const [key, kept] of this.#kept) {
      if (!kept.isUsed) {
        this.#drop(key)
        return
      }
      kept.isUsed = false
      this.#kept.delete(key)
      this.#kept.set(key, kept)
    }
  }

  /** By the id `bytes[at, end)`. */
  find(bytes: Buffer, at = 0, end = bytes.length): PreparedStatement | null {
    let kept = this.#lately.find(bytes, at, end)
    if (kept === null) {
      kept = this.#kept.get(bytes.toString('latin1', at, end)) ?? null
      if (kept === null) return null
      this.#lately.put(bytes, at, end, kept)
    }
    kept.isUsed = true
    return kept.statement
  }

  /**
   * Is an EXECUTE of what is not known here worth having its client prepare it here? Once an id: what can't be learnt, being too large, is
   * not asked for again.
   */
  // Cold: once a statement that another thread or proxy saw prepared
  wants(request: Frame): boolean {
    const id = statementId(request)?.toString('latin1') ?? null
    if (id === null || id.length > ID_BYTES_MAX || this.#wanted.has(id)) return false
    this.#wanted.add(id)
    if (this.#wanted.size > this.#statementsMax) this.#wanted.delete(this.#wanted.keys().next().value!)
    return true
  }

  /** What an EXECUTE or BATCH is of, as far as it has come and that is known. */
  inside(request: Frame): PreparedStatement[] {
    const found = new Set<PreparedStatement>()
    const add = (statement: PreparedStatement | null) => void (statement !== null && found.add(statement))
    try {
      if (request.kind === EXECUTE) add(this.executed(request))
      else if (request.kind === BATCH) eachPrepared(requestReader(request), (id) => add(this.find(id)))
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
    }
    return [...found]
  }

  /** What an EXECUTE is of; null where that is not known, or can't be read. */
  executed(request: Frame): PreparedStatement | null {
    const id = statementId(request)
    return id === null ? null : this.find(id)
  }
}

/** What tells columns from others, and is short. */
function keyOf(columns: readonly Column[] | null): string {
  const bytes = Buffer.from(JSON.stringify(columns))
  const hash = new Int32Array(2)
  murmur3(bytes, 0, bytes.length, hash)
  return hash.join()
}

/**
 * Asks a node for the same id. Below version 5 a PREPARE can't name a keyspace: where the text has names without one, it must be said on a
 * connection that has chosen `statement.keyspace`.
 */
export function prepareFrame(statement: PreparedStatement, version: number): Frame {
  const { text, keyspace } = statement
  return encodeBody(plain(version, { type: 'prepare', text, keyspace }), 0)
}

/** The ids in a BATCH, 4.1.7. Throws CorruptError where it ends early. */
function eachPrepared(reader: Reader, found: (id: Buffer) => void): void {
  reader.byte()
  for (let count = reader.short(); count > 0; count--) {
    if (reader.byte() === 0) textAt(reader)
    else found(reader.shortBytes())
    for (let values = reader.short(); values > 0; values--) reader.value()
  }
}
