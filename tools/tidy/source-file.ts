import { stripTypeScriptTypes } from 'node:module'

/** An `import`, `export ... from` or `import()` of a file. `typeOnly` ones leave nothing behind at run time. */
export interface Import {
  readonly specifier: string
  readonly line: number
  readonly typeOnly: boolean
  readonly reExport: boolean
}

/**
 * One TypeScript file as the rules read it. All views have the lines of `text`; what a view leaves out is blank.
 */
export class SourceFile {
  readonly path: string
  readonly text: string
  /** Without comments and without what stands in quotes and regular expressions. */
  readonly code: string
  /** Comments only. */
  readonly comments: string
  /** `code` without types: what runs. */
  readonly js: string
  readonly imports: readonly Import[]

  constructor(path: string, text: string) {
    this.path = path
    this.text = text
    const views = split(text)
    this.code = views.code
    this.comments = views.comments
    const stripped = stripTypeScriptTypes(text, { mode: 'strip' })
    const run = split(stripped)
    this.js = run.code
    const kept = new Set(importsIn(run.quoted).map((found) => found.line))
    this.imports = importsIn(views.quoted).map((found) => ({ ...found, typeOnly: !kept.has(found.line) }))
  }

  get isTest(): boolean {
    return isTestPath(this.path)
  }
}

/** Tests and what serves only tests. */
export function isTestPath(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/')
}

export function lineAt(text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line++
  return line
}

function importsIn(quoted: string): Omit<Import, 'typeOnly'>[] {
  const found: Omit<Import, 'typeOnly'>[] = []
  const pattern = /^[ \t]*(import|export)\b([^'"`;=()]*?\bfrom)?\s*['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/gm
  for (const match of quoted.matchAll(pattern)) {
    const reExport = match[1] === 'export'
    found.push({ specifier: match[3] ?? match[4], line: lineAt(quoted, match.index), reExport })
  }
  return found
}

const TOKEN =
  /(?<comment>\/\/[^\n]*|\/\*[^]*?\*\/)|(?<string>'(?:\\[^]|[^'\\\n])*'|"(?:\\[^]|[^"\\\n])*")|(?<word>[A-Za-z_$][\w$]*|\d[\w.]*)|(?<space>\s+)/y
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y
const TEMPLATE = /(?:\\[^]|\$(?!\{)|[^\\`$])*(?:`|\$\{)?/y
const BEFORE_REGEX = new Set(
  ' ( , = : [ ! & | ? { } ; + - * % ~ ^ < > return typeof case in of throw else await'.split(' '),
)

const hide = (text: string) => text.replace(/[^\n]/g, ' ')
const hideInside = (text: string) => text[0] + hide(text.slice(1, -1)) + text.at(-1)

/** Cuts a file into code, comments and quotes. `quoted` is the code with its plain strings, without templates. */
export function split(text: string): { code: string; comments: string; quoted: string } {
  let code = ''
  let comments = ''
  let quoted = ''
  let previous = ''
  let depth = 0
  const templates: number[] = [] // depth of braces at which each open `${` ends
  const put = (asCode: string, asComment: string, asQuoted = asCode) => {
    code += asCode
    comments += asComment
    quoted += asQuoted
  }
  const matchAt = (pattern: RegExp, at: number): RegExpExecArray | null => {
    pattern.lastIndex = at
    return pattern.exec(text)
  }
  for (let at = 0; at < text.length; at = code.length) {
    const token = matchAt(TOKEN, at)
    const groups = token?.groups
    const found = token?.[0] ?? text[at]
    if (groups?.comment !== undefined) {
      put(hide(found), found)
    } else if (groups?.space !== undefined) {
      put(found, hide(found))
    } else if (groups?.string !== undefined) {
      put(hideInside(found), hide(found), found)
      previous = 'string'
    } else if (groups?.word !== undefined) {
      put(found, hide(found))
      previous = found
    } else if (found === '`' || (found === '}' && templates.at(-1) === depth)) {
      if (found === '}') templates.pop()
      const part = matchAt(TEMPLATE, at + 1)?.[0] ?? ''
      const opens = part.endsWith('${')
      if (opens) templates.push(depth)
      put(found + hide(part.slice(0, -1)) + (part.at(-1) ?? ''), hide(found + part))
      previous = opens ? '{' : 'string'
    } else {
      const regex = found === '/' && BEFORE_REGEX.has(previous) ? matchAt(REGEX, at)?.[0] : undefined
      if (found === '{') depth++
      if (found === '}') depth--
      put(regex ? hideInside(regex) : found, hide(regex ?? found))
      previous = regex ? 'string' : found
    }
  }
  return { code, comments, quoted }
}
