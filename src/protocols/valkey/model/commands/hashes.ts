import { addInt64, commands, ONE_KEY, parseDouble, parseInt64, type Call } from '../command.ts'
import { formatDouble } from '../replies.ts'
import { CommandError } from '../store.ts'
import { scanCollection } from './scan.ts'

const NO_FIELDS: ReadonlyMap<string, Buffer> = new Map()

function read(call: Call): ReadonlyMap<string, Buffer> {
  return call.db.typed(call.text(1), 'hash')?.fields ?? NO_FIELDS
}

/** The fields of the hash, for a change; a new hash is stored by `save`. */
function write(call: Call): Map<string, Buffer> {
  return call.db.typed(call.text(1), 'hash')?.fields ?? new Map()
}

function save(call: Call, fields: Map<string, Buffer>): void {
  const key = call.text(1)
  if (call.db.get(key) === null) call.db.set(key, { type: 'hash', fields })
  else call.db.changed(key, fields.size)
}

function setFields(call: Call): number {
  if (call.count % 2 !== 0) call.wrongArity()
  const fields = write(call)
  const before = fields.size
  for (let at = 2; at < call.count; at += 2) fields.set(call.text(at), call.args[at + 1]!)
  save(call, fields)
  return fields.size - before
}

function hmset(call: Call): void {
  setFields(call)
  call.replies.ok()
}

function hsetnx(call: Call): void {
  const fields = write(call)
  const missing = !fields.has(call.text(2))
  if (missing) {
    fields.set(call.text(2), call.args[3]!)
    save(call, fields)
  }
  call.replies.integer(Number(missing))
}

function hmget(call: Call): void {
  const fields = read(call)
  call.replies.array(call.count - 2)
  for (const field of call.texts(2)) call.replies.bulkOrNil(fields.get(field))
}

function hgetall(call: Call): void {
  const fields = read(call)
  call.replies.map(fields.size)
  for (const [field, value] of fields) {
    call.replies.bulk(field)
    call.replies.bulk(value)
  }
}

function hdel(call: Call): void {
  const fields = write(call)
  const count = call.texts(2).filter((field) => fields.delete(field)).length
  if (count > 0) save(call, fields)
  call.replies.integer(count)
}

function hincrby(call: Call): void {
  const by = call.int64(3)
  const fields = write(call)
  const old = fields.get(call.text(2))
  const sum = addInt64(old === undefined ? 0n : parseInt64(old, 'ERR hash value is not an integer'), by)
  fields.set(call.text(2), Buffer.from(String(sum)))
  save(call, fields)
  call.replies.integer(sum)
}

function hincrbyfloat(call: Call): void {
  const by = call.double(3)
  const fields = write(call)
  const old = fields.get(call.text(2))
  const sum = (old === undefined ? 0 : parseDouble(old, 'ERR hash value is not a float')) + by
  if (!Number.isFinite(sum)) throw new CommandError('ERR increment would produce NaN or Infinity')
  const text = formatDouble(sum)
  fields.set(call.text(2), Buffer.from(text))
  save(call, fields)
  call.replies.bulk(text)
}

/** `count` different names, or with repetitions where negative. */
export function drawNames(call: Call, names: readonly string[], count: number): string[] {
  const { random } = call.server.world
  const draw = (from: readonly string[]) => Math.floor(random.next() * from.length)
  if (names.length === 0) return []
  if (count < 0) return Array.from({ length: -count }, () => names[draw(names)]!)
  if (count >= names.length) return [...names]
  const left = [...names]
  return Array.from({ length: count }, () => left.splice(draw(left), 1)[0]!)
}

function hrandfield(call: Call): void {
  const fields = read(call)
  const names = [...fields.keys()]
  if (call.count === 2) {
    call.replies.bulkOrNil(drawNames(call, names, 1)[0])
    return
  }
  const withValues = call.count === 4 && call.word(3) === 'WITHVALUES'
  if (call.count > 4 || (call.count === 4 && !withValues)) call.syntaxError()
  const drawn = drawNames(call, names, call.integer(2))
  if (!withValues) {
    call.replies.bulks(drawn)
    return
  }
  const nested = call.replies.version === 3
  call.replies.array(nested ? drawn.length : 2 * drawn.length)
  for (const name of drawn) {
    if (nested) call.replies.array(2)
    call.replies.bulk(name)
    call.replies.bulk(fields.get(name)!)
  }
}

export const hashes = commands('hash', [
  ['hdel', -3, 'write fast', ONE_KEY, hdel],
  ['hexists', 3, 'readonly fast', ONE_KEY, (call) => call.replies.integer(Number(read(call).has(call.text(2))))],
  ['hget', 3, 'readonly fast', ONE_KEY, (call) => call.replies.bulkOrNil(read(call).get(call.text(2)))],
  ['hgetall', 2, 'readonly', ONE_KEY, hgetall],
  ['hincrby', 4, 'write denyoom fast', ONE_KEY, hincrby],
  ['hincrbyfloat', 4, 'write denyoom fast', ONE_KEY, hincrbyfloat],
  ['hkeys', 2, 'readonly', ONE_KEY, (call) => call.replies.bulks([...read(call).keys()])],
  ['hlen', 2, 'readonly fast', ONE_KEY, (call) => call.replies.integer(read(call).size)],
  ['hmget', -3, 'readonly fast', ONE_KEY, hmget],
  ['hmset', -4, 'write denyoom fast', ONE_KEY, hmset],
  ['hrandfield', -2, 'readonly', ONE_KEY, hrandfield],
  [
    'hscan',
    -3,
    'readonly',
    ONE_KEY,
    (call) => {
      const fields = read(call)
      scanCollection(call, fields.keys(), (field) => [field, fields.get(field)!])
    },
  ],
  ['hset', -4, 'write denyoom fast', ONE_KEY, (call) => call.replies.integer(setFields(call))],
  ['hsetnx', 4, 'write denyoom fast', ONE_KEY, hsetnx],
  ['hstrlen', 3, 'readonly fast', ONE_KEY, (call) => call.replies.integer(read(call).get(call.text(2))?.length ?? 0)],
  ['hvals', 2, 'readonly', ONE_KEY, (call) => call.replies.bulks([...read(call).values()])],
])
