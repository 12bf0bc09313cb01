/** Whether a name is one of those that a pattern stands for: `*` is any text, `?` any character. Takes no more than both lengths' product. */
export function matchesGlob(name: string, pattern: string): boolean {
  let at = 0
  let patternAt = 0
  /** Where to go on when what follows the last `*` does not fit: it takes one character more. */
  let star = -1
  let starAt = 0
  while (at < name.length) {
    const expected = pattern[patternAt]
    if (expected === '*') {
      star = patternAt++
      starAt = at
    } else if (expected === '?' || expected === name[at]) {
      at++
      patternAt++
    } else if (star !== -1) {
      patternAt = star + 1
      at = ++starAt
    } else return false
  }
  while (pattern[patternAt] === '*') patternAt++
  return patternAt === pattern.length
}
