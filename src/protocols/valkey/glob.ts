/** Does `text` match the glob-style `pattern` of KEYS and PSUBSCRIBE: `*`, `?`, `[a-c]`, `[^x]`, `\x`. Linear in most cases, never exponential. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let mark = 0
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      mark = t
      continue
    }
    const next = p < pattern.length ? matchOne(pattern, p, text[t]!) : -1
    if (next !== -1) {
      p = next
      t++
    } else if (star !== -1) {
      p = star + 1
      t = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** Where the pattern goes on when its part at `at` matches `letter`; -1 where it does not. */
function matchOne(pattern: string, at: number, letter: string): number {
  switch (pattern[at]) {
    case '?':
      return at + 1
    case '[':
      return matchClass(pattern, at, letter)
    case '\\':
      if (at + 1 < pattern.length) return pattern[at + 1] === letter ? at + 2 : -1
      return letter === '\\' ? at + 1 : -1
    default:
      return pattern[at] === letter ? at + 1 : -1
  }
}

function matchClass(pattern: string, at: number, letter: string): number {
  let p = at + 1
  const negated = pattern[p] === '^'
  if (negated) p++
  let found = false
  while (p < pattern.length && pattern[p] !== ']') {
    if (pattern[p] === '\\' && p + 1 < pattern.length) p++
    let low = pattern[p]!
    let high = low
    if (pattern[p + 1] === '-' && p + 2 < pattern.length) {
      high = pattern[p + 2]!
      p += 2
    }
    if (low > high) [low, high] = [high, low]
    if (letter >= low && letter <= high) found = true
    p++
  }
  return found === negated ? -1 : Math.min(p + 1, pattern.length)
}
