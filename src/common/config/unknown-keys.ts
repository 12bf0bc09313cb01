import { type ConfigProblem, describeProblem, formatPath } from './config-problem.ts'
import type { ConfigDocument } from './document.ts'

/** A warning for each key of an object that means nothing there, with the nearest name that does. */
export function unknownKeysIn(
  value: object,
  known: readonly string[],
  path: ReadonlyArray<string | number>,
  document: ConfigDocument,
  file: string,
): ConfigProblem[] {
  const unknown = Object.keys(value).filter((key) => !known.includes(key))
  return unknown.map((key) => {
    const nearest = nearestName(key, known)
    const allowed =
      nearest === undefined ? `${known.filter((name) => !name.startsWith('$')).join(', ')}` : `perhaps ${nearest}`
    const where = document.locate([...path, key], 'key')
    return describeProblem(file, { path: formatPath([...path, key]), ...where, found: 'an unknown key', allowed })
  })
}

/** The name of `known` that is nearest to `name` by edit distance, if it is near enough to have been meant. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > 100) return undefined
  const measured = known.map((candidate) => ({
    candidate,
    distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }))
  const nearest = measured.sort((a, b) => a.distance - b.distance)[0]
  if (nearest === undefined || nearest.distance > Math.max(2, Math.floor(nearest.candidate.length / 3)))
    return undefined
  return nearest.candidate
}

/** Levenshtein's, row by row. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
