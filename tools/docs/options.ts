/** What is read of a JSON schema. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: string | number | boolean | null
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

/**
 * The fields of a schema as rows of a Markdown table, those of maps within it below them, their keys joined by dots. `defaults` are those
 * that the schema does not know, by the same keys.
 */
export function optionRows(schema: JsonSchema, defaults: Readonly<Record<string, unknown>> = {}, above = ''): string[] {
  const rows: string[] = []
  for (const [key, field] of Object.entries(schema.properties ?? {})) {
    const path = `${above}${key}`
    const known = field.default ?? defaults[path]
    const needed = schema.required?.includes(key) === true && known === undefined
    const fallback = known === undefined ? (needed ? REQUIRED[above === '' ? 0 : 1] : '') : code(JSON.stringify(known))
    rows.push(`| ${code(path)} | ${cell(typeText(key, field))} | ${fallback} | ${cell(field.description ?? '')} |`)
    for (const inner of mapsWithin(field)) rows.push(...optionRows(inner, defaults, `${path}.`))
  }
  return rows
}

export const OPTIONS_HEAD = ['| option | type | default | |', '| --- | --- | --- | --- |']

/** At the top, and in a map that need not be there. */
const REQUIRED = ['required', 'required there']

const code = (text: string) => `\`${text}\``
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** Maps with fields of their own that stand in the place of `field`, alone or among others. */
function mapsWithin(field: JsonSchema): JsonSchema[] {
  if (field.properties !== undefined) return [field]
  if (field.items?.properties !== undefined) return [field.items]
  return (field.anyOf ?? field.oneOf ?? []).flatMap(mapsWithin)
}

function typeText(key: string, field: JsonSchema): string {
  const choices = field.anyOf ?? field.oneOf
  if (choices !== undefined) return [...new Set(choices.map((choice) => typeText(key, choice)))].join(' or ')
  if (field.const !== undefined) return code(String(field.const))
  if (field.enum !== undefined) return field.enum.map((value) => code(String(value))).join(', ')
  if (field.type === 'array') return key === 'chain' ? 'chain' : `list of ${typeText(key, field.items ?? {})}`
  if (field.type === 'object') return mapText(key, field)
  if (field.type === 'integer' || field.type === 'number') return numberText(field)
  if (field.type === 'null') return 'nothing'
  return typeof field.type === 'string' ? field.type : 'anything'
}

function mapText(key: string, { properties, additionalProperties }: JsonSchema): string {
  if (properties !== undefined || typeof additionalProperties !== 'object') return 'map'
  return `map to ${typeText(key, additionalProperties)}`
}

/** Bounds that somebody meant, not those of the type. */
function numberText({ type, minimum, exclusiveMinimum, maximum }: JsonSchema): string {
  const least = minimum ?? (exclusiveMinimum === undefined ? undefined : exclusiveMinimum + 1)
  const from = least === undefined || least <= Number.MIN_SAFE_INTEGER ? null : least
  const to = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? null : maximum
  if (from !== null && to !== null) return `${String(type)}, ${from} to ${to}`
  if (from !== null) return `${String(type)}, ${from} or more`
  return to === null ? String(type) : `${String(type)}, ${to} at most`
}
