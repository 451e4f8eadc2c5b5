import { floorOf, FLOOR_DATA_PATH, protocolOf, resolveImport } from './floors.ts'
import { lineAt, type SourceFile } from './source-file.ts'

export interface Violation {
  readonly rule: string
  readonly path: string
  readonly line: number
  readonly message: string
}

/** A rule that looks at one file. `tree` holds every file by path, for what needs to know its neighbours. */
export interface Rule {
  readonly name: string
  check(file: SourceFile, tree: ReadonlyMap<string, SourceFile>): Iterable<{ line: number; message: string }>
}

export const LINES_MAX = 400

function* find(view: string, pattern: RegExp, message: (found: string) => string) {
  for (const match of view.matchAll(pattern)) {
    yield { line: lineAt(view, match.index), message: message(match[1] ?? match[0]) }
  }
}

const inSource = (file: SourceFile) => file.path.startsWith('src/') && !file.isTest

/** Imports go down only; a file of src/ has a floor. */
const floors: Rule = {
  name: 'floors',
  *check(file, tree) {
    if (!inSource(file)) return
    const floor = floorOf(file)
    if (floor === null) {
      yield { line: 1, message: 'stands on no floor: put it into a folder of tools/tidy/floors.ts' }
      return
    }
    for (const found of file.imports) {
      const target = tree.get(resolveImport(file.path, found.specifier))
      const below = target && floorOf(target)
      if (target?.isTest) yield { line: found.line, message: `imports a test: ${target.path}` }
      if (typeof below === 'number' && below > floor) {
        yield { line: found.line, message: `floor ${floor} imports ${target?.path} of floor ${below}` }
      }
    }
  },
}

/**
 * The simulator serves the command line and tests; protocols know nothing of each other. In transforms/ a folder may know the bodies of several,
 * a single file is for any protocol and knows none.
 */
const neighbours: Rule = {
  name: 'neighbours',
  *check(file) {
    if (!inSource(file)) return
    for (const { specifier, line } of file.imports) {
      const target = resolveImport(file.path, specifier)
      if (target.startsWith('src/sim/') && !/^src\/(sim|cli)\//.test(file.path)) {
        yield { line, message: 'only src/cli/ and tests import the simulator' }
      }
      const from = protocolOf(file.path)
      const to = protocolOf(target)
      if (from && to && from !== to) yield { line, message: `protocol ${from} imports protocol ${to}` }
      if (to && /^src\/transforms\/[^/]+$/.test(file.path))
        yield { line, message: `a transform for any protocol imports ${to}` }
    }
  },
}

const OUTSIDE_WORLD =
  /(?<![.\w])(Date\.now|new Date\b(?!\([\w'])|performance\.|Math\.random|globalThis\b|process\.(?:nextTick|hrtime)|(?:setTimeout|setInterval|setImmediate|queueMicrotask|randomBytes|randomUUID|randomInt)(?=\s*\())/g
const OUTSIDE_MODULES = /^node:(net|tls|timers|timers\/promises|dgram|dns|dns\/promises|http|https|http2|perf_hooks)$/

/** What a request passes through sees time, chance and the network through `World` only, or no seed would reproduce it. */
const world: Rule = {
  name: 'world',
  *check(file) {
    const floor = floorOf(file)
    const [lowest, highest] = FLOOR_DATA_PATH
    if (!inSource(file) || floor === null || floor < lowest || floor > highest) return
    yield* find(file.js, OUTSIDE_WORLD, (found) => `uses ${found} past World`)
    for (const { specifier, line } of file.imports) {
      if (OUTSIDE_MODULES.test(specifier)) yield { line, message: `imports ${specifier} past World` }
    }
  },
}

const NOT_HOT = /(\basync\b|\bawait\b|\bPromise\b|\.\.\.|\.map\(|\.filter\(|\.forEach\()/g

/** Without the members and functions under a `// Cold: why` comment: down to the line that closes what follows it. */
function withoutCold(file: SourceFile): string {
  const lines = file.js.split('\n')
  const comments = file.comments.split('\n')
  let end: RegExp | null = null
  return lines
    .map((line, index) => {
      const cold = /^( *)\/\/ Cold: \S/.exec(comments[index])
      if (cold) end = new RegExp(`^ {${cold[1].length}}[})\\]]`)
      if (end === null) return line
      if (end.test(line)) end = null
      return ''
    })
    .join('\n')
}

/** Files headed `// Hot path` allocate nothing per frame that they need not. */
const hotPath: Rule = {
  name: 'hot path',
  *check(file) {
    if (!/^\/\/ Hot path\b/m.test(file.text.slice(0, 1000))) return
    yield* find(withoutCold(file), NOT_HOT, (found) => `${found} in a hot file and not under a "// Cold: why"`)
  },
}

const EMPTY_WORDS = new Set(['manager', 'helper', 'helpers', 'util', 'utils', 'impl'])
const DECLARED = /\b(?:class|interface|type|function|const|let)\s+([A-Za-z_$][\w$]*)/g

/** Words that say nothing about the thing they name. */
const names: Rule = {
  name: 'names',
  *check(file) {
    const words = (name: string) => name.split(/(?=[A-Z][a-z])|[-_.]/).map((word) => word.toLowerCase())
    const empty = (name: string) => words(name).find((word) => EMPTY_WORDS.has(word))
    const base = file.path.slice(file.path.lastIndexOf('/') + 1)
    if (empty(base)) yield { line: 1, message: `"${empty(base)}" in the name of the file` }
    for (const match of file.code.matchAll(DECLARED)) {
      const word = empty(match[1])
      if (word) yield { line: lineAt(file.code, match.index), message: `"${word}" in the name ${match[1]}` }
    }
    yield* find(file.code, /\binterface\s+(I[A-Z][a-z]\w*)/g, (found) => `interface ${found} has an I in front`)
  },
}

/** A thing has one name and one place it comes from. Only a user's transform is found without a name. */
const exports: Rule = {
  name: 'exports',
  *check(file) {
    const users = /^(examples|test|bench)\//.test(file.path)
    if (!users) yield* find(file.code, /\bexport default\b/g, () => 'default export')
    if (file.path.startsWith('test/') || file.path.startsWith('bench/')) {
      yield* find(file.code, /\bexport default\b(?! transform\()/g, () => 'default export that is not a transform')
    }
    // What users import is the one thing that is gathered in one place.
    if (!inSource(file) || /^src\/api(\.ts$|\/)/.test(file.path)) return
    for (const found of file.imports)
      if (found.reExport) yield { line: found.line, message: `passes on ${found.specifier}` }
  },
}

const size: Rule = {
  name: 'size',
  *check(file) {
    const exempt = /\.table\.ts$|\/generated\//.test(file.path) || /^\/\/ (Generated|Table)\b/.test(file.text)
    const lines = file.text.trimEnd().split('\n').length
    if (!exempt && lines > LINES_MAX) yield { line: LINES_MAX, message: `${lines} lines; ${LINES_MAX} at most` }
  },
}

/** Every test runs, waits for what it tests rather than for time, and nothing is put off without an issue. */
const honesty: Rule = {
  name: 'honesty',
  *check(file) {
    yield* find(file.comments, /\b(?:TODO|FIXME)\b(?!.*#\d)/g, (found) => `${found} without the number of an issue`)
    if (!file.isTest) return
    yield* find(file.code, /\b(?:test|it|describe|suite|t)\.(?:only|skip|todo)\(/g, (found) => `${found}...) in a test`)
    yield* find(file.code, /\b(?:only|skip|todo): *(?:true|['"`])/g, (found) => `${found} in a test`)
    if (file.path.endsWith('.test.ts')) {
      yield* find(file.js, /\bawait (?:sleep|delay|setTimeout)\(|\bsetTimeout\(resolve\b/g, () => 'sleeps')
    }
  },
}

export const RULES: readonly Rule[] = [floors, neighbours, world, hotPath, names, exports, size, honesty]

export function checkFile(file: SourceFile, tree: ReadonlyMap<string, SourceFile>): Violation[] {
  return RULES.flatMap((rule) =>
    [...rule.check(file, tree)].map((found) => ({ rule: rule.name, path: file.path, ...found })),
  )
}
