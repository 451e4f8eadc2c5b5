import { z } from 'zod'
import type { OptionsSchema } from '../core/kind.ts'
import { didYouMean, oneOf } from './diagnostics.ts'
import type { Path, YamlFile } from './yaml-file.ts'

/** What we read of a zod schema. A user's kind may come with a zod of its own, so that its classes are not ours. */
interface SchemaShape {
  readonly def?: {
    readonly type?: string
    readonly innerType?: SchemaShape
    readonly in?: SchemaShape
    readonly options?: readonly SchemaShape[]
    readonly entries?: Readonly<Record<string, string | number>>
  }
  readonly shape?: Record<string, SchemaShape>
  readonly element?: SchemaShape
  safeParse(value: unknown): { success: boolean }
}

type Issue = z.core.$ZodIssue

export interface OptionsCheck<Options> {
  /** What the schema made of the options; undefined where they are wrong. */
  readonly options: Options | undefined
  /** Texts of refinements: the options have their types, but make no sense together. */
  readonly refused: readonly string[]
}

export interface OptionsContext {
  readonly file: YamlFile
  /** Where the options stand. */
  readonly path: Path
  /** Fields that stand there beside those of the schema, as texts list them. */
  readonly otherFields: readonly string[]
  /** Fields that Shotover has here and this version has not yet. */
  readonly notSupported: readonly string[]
}

/** The schema itself, of what a kind has as its `options`. */
export function schemaOf<Options>(options: OptionsSchema<Options>): z.ZodType<Options> {
  return typeof options === 'function' ? options(z) : options
}

/** Checks `value` against `schema`; what is wrong is noted in the file. Null for an optional field is as good as its absence. */
export function checkOptions<Options>(
  schema: z.ZodType<Options>,
  value: unknown,
  context: OptionsContext,
): OptionsCheck<Options> {
  const root = schema as unknown as SchemaShape
  const result = schema.safeParse(withoutNulls(root, value ?? {}))
  if (result.success) return { options: result.data, refused: [] }
  const refused: string[] = []
  for (const issue of result.error.issues) {
    // A refinement of one field finds that field malformed; one of the whole finds that the options make no sense together.
    if (issue.code === 'custom' && issue.path.length === 0) refused.push(issue.message)
    else describeIssue(issue, root, value ?? {}, context)
  }
  return { options: undefined, refused }
}

function pathOf(issue: Issue): (string | number)[] {
  return issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
}

/** The schema under defaults, optionals and refinements; of a choice the map, where one can be chosen. */
function unwrap(schema: SchemaShape | undefined): SchemaShape | undefined {
  let inner = schema
  while (inner?.def !== undefined) {
    const map = inner.def.options?.find((option) => option.shape !== undefined)
    const next = inner.def.innerType ?? (inner.def.type === 'pipe' ? inner.def.in : map)
    if (next === undefined) break
    inner = next
  }
  return inner
}

/** The places within `value` whose part of `schema` is one that is wanted. */
export function placesOf(
  schema: z.ZodType,
  value: unknown,
  wanted: (part: object) => boolean,
): { path: Path; value: unknown }[] {
  const found: { path: Path; value: unknown }[] = []
  const walk = (outer: SchemaShape | undefined, part: unknown, path: Path) => {
    const inner = unwrap(outer)
    if (inner === undefined || part === undefined || part === null) return
    if (wanted(inner)) found.push({ path, value: part })
    else if (Array.isArray(part))
      for (const [index, item] of part.entries()) walk(inner.element, item, [...path, index])
    else for (const [key, field] of Object.entries(inner.shape ?? {})) walk(field, at(part, [key]), [...path, key])
  }
  walk(schema as unknown as SchemaShape, value, [])
  return found
}

/** The schema at `path`, choices and all. */
function choiceAt(schema: SchemaShape, path: Path): readonly SchemaShape[] {
  const parent = schemaAt(schema, path.slice(0, -1))
  const step = path.at(-1)
  let found = typeof step === 'number' ? parent?.element : parent?.shape?.[step ?? '']
  while (found?.def?.innerType !== undefined) found = found.def.innerType
  return found?.def?.options ?? []
}

function withoutNulls(schema: SchemaShape | undefined, value: unknown): unknown {
  const inner = unwrap(schema)
  if (Array.isArray(value))
    return inner?.element === undefined ? value : value.map((item) => withoutNulls(inner.element, item))
  if (typeof value !== 'object' || value === null || inner?.shape === undefined) return value
  const kept: [string, unknown][] = []
  for (const [key, item] of Object.entries(value)) {
    const field = Object.hasOwn(inner.shape, key) ? inner.shape[key] : undefined
    if (item === null && field !== undefined && !field.safeParse(null).success && field.safeParse(undefined).success)
      continue
    kept.push([key, withoutNulls(field, item)])
  }
  // As an assignment it would be lost: a key may be `__proto__`.
  return Object.fromEntries(kept)
}

function at(value: unknown, path: Path): unknown {
  let found = value
  for (const step of path) found = (found as Record<string | number, unknown> | null | undefined)?.[step]
  return found
}

function schemaAt(schema: SchemaShape, path: Path): SchemaShape | undefined {
  let found: SchemaShape | undefined = unwrap(schema)
  for (const step of path) found = unwrap(typeof step === 'number' ? found?.element : found?.shape?.[step])
  return found
}

function describeIssue(issue: Issue, schema: SchemaShape, root: unknown, context: OptionsContext): void {
  const { file } = context
  const inside = pathOf(issue)
  const path = [...context.path, ...inside]
  const value = at(root, inside)
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) unknownField(key, schemaAt(schema, inside), path, inside.length === 0, context)
  } else if (value === undefined && inside.length > 0) {
    const parent = path.slice(0, -1)
    file.add(parent, `missing field \`${path.at(-1)}\``, null, { missing: true })
  } else if (issue.code === 'invalid_type') {
    file.add(
      path,
      `invalid type: ${describeValue(value, path)}, expected ${EXPECTED[issue.expected] ?? issue.expected}`,
      null,
    )
  } else if (issue.code === 'invalid_value') {
    const words = issue.values.map(String)
    const meant = typeof value === 'string' ? didYouMean(value, words) : null
    file.add(
      path,
      `unknown variant \`${String(value)}\`, expected ${oneOf(words)}`,
      meant === null ? null : `did you mean \`${meant}\`?`,
    )
  } else if (issue.code === 'invalid_union') describeChoice(issue, schema, root, context)
  else if (issue.code === 'too_big' || issue.code === 'too_small') {
    file.add(path, `invalid value: ${describeValue(value, path)}, expected ${boundText(issue)}`, null)
  } else file.add(path, issue.message, null)
}

/** What is none of the choices: words that stand for themselves, and keys of maps. */
function describeChoice(
  issue: Issue & { readonly errors: readonly (readonly Issue[])[] },
  schema: SchemaShape,
  root: unknown,
  context: OptionsContext,
): void {
  const inside = pathOf(issue)
  const path = [...context.path, ...inside]
  const value = at(root, inside)
  const choices = choiceAt(schema, inside)
  const map = choices.findIndex(({ shape }) => shape !== undefined)
  if (map >= 0 && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const inner of issue.errors[map] ?? [])
      describeIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema, root, context)
    return
  }
  const words = choices.flatMap(({ def, shape }) => Object.values(def?.entries ?? {}).concat(Object.keys(shape ?? {})))
  const expected = oneOf(words.map(String))
  if (typeof value !== 'string') {
    context.file.add(path, `invalid type: ${describeValue(value, path)}, expected ${expected}`, null)
    return
  }
  const meant = didYouMean(value, words.map(String))
  const hint = meant === null ? null : `did you mean \`${meant}\`?`
  context.file.add(path, `unknown variant \`${value}\`, expected ${expected}`, hint)
}

function unknownField(
  key: string,
  schema: SchemaShape | undefined,
  path: Path,
  isRoot: boolean,
  context: OptionsContext,
): void {
  const { file } = context
  if (isRoot && context.notSupported.includes(key)) {
    file.add([...path, key], `\`${key}\` is not supported yet`, 'Shotover has this field; this version does not', {
      atKey: true,
    })
    return
  }
  const fields = [...(isRoot ? context.otherFields : []), ...Object.keys(schema?.shape ?? {})]
  const expected = fields.length === 0 ? 'there are no fields' : `expected ${oneOf(fields)}`
  const renamed = RENAMED_FIELDS[key]
  const meant = renamed !== undefined && fields.includes(renamed) ? renamed : didYouMean(key, fields)
  const hint = meant === null ? null : `did you mean \`${meant}\`?`
  file.add([...path, key], `unknown field \`${key}\`, ${expected}`, hint, { atKey: true, shownPath: path })
}

/** Names that fields had in earlier releases or have in old documentation. */
const RENAMED_FIELDS: Record<string, string> = {
  direct_connection: 'direct_destination',
  http_api_port: 'switch_port',
  behaviour: 'behavior',
  address: 'remote_address',
}

const EXPECTED: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'a boolean',
  array: 'a sequence',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
}

function boundText(issue: { code: string; maximum?: unknown; minimum?: unknown; inclusive?: boolean }): string {
  const [bound, inclusive, words] =
    issue.code === 'too_big' ? [issue.maximum, 'at most', 'less than'] : [issue.minimum, 'at least', 'more than']
  return `${issue.inclusive === false ? words : inclusive} ${String(bound)}`
}

/** Fields whose values never appear in a text. */
export function isSecret(field: string): boolean {
  return /passw|secret|token|credential|private|api_?key|^keks?$/i.test(field)
}

/** Characters of a string that a text shows: the file may not be the one that was meant. */
const SHOWN_MAX = 200

/** A value as Shotover's parser calls it. */
export function describeValue(value: unknown, path: Path): string {
  const secret = path.some((step) => typeof step === 'string' && isSecret(step))
  const shown = secret ? '...' : String(value)
  if (typeof value === 'string') {
    const text = value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}...` : value
    return `string ${secret ? '"..."' : JSON.stringify(text)}`
  }
  if (typeof value === 'boolean') return `boolean \`${shown}\``
  if (typeof value === 'number' || typeof value === 'bigint') {
    return Number.isInteger(Number(value)) ? `integer \`${shown}\`` : `floating point \`${shown}\``
  }
  if (value === null || value === undefined) return 'unit value'
  return Array.isArray(value) ? 'sequence' : 'map'
}
