import { nearest } from '../nearest.ts'
import { type ConfigProblem, describeProblem, formatPath } from './config-problem.ts'
import type { ConfigDocument } from './document.ts'

/**
 * A warning for each key of an object that means nothing there, with the nearest name that does.
 * @param otherwise what is allowed, where no name is near
 */
export function unknownKeysIn(
  value: object,
  known: readonly string[],
  path: ReadonlyArray<string | number>,
  document: ConfigDocument,
  file: string,
  otherwise = known.filter((name) => !name.startsWith('$')).join(', '),
): ConfigProblem[] {
  const unknown = Object.keys(value).filter((key) => !known.includes(key))
  return unknown.map((key) => {
    const meant = nearest(key, known)
    const allowed = meant === null ? otherwise : `perhaps ${meant}`
    const where = document.locate([...path, key], 'key')
    return describeProblem(file, { path: formatPath([...path, key]), ...where, found: 'an unknown key', allowed })
  })
}
