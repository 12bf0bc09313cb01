import type { RetainConfig } from '../config/proxy-config.ts'

const day = 86_400_000

/** What is known of a version of the catalog, for the decision whether it stays on disk. */
export interface StoredVersion {
  readonly name: string
  /** Live, warm, running, the way back, or kept by somebody: never pruned, and not counted. */
  readonly isKept: boolean
  /** Milliseconds since the epoch of its last use, or of its arrival. */
  readonly lastUse: number
}

/**
 * The versions to remove: of those that nobody keeps, the ones that neither rule retains. Without a rule nothing is removed. Pure.
 * @param versions in the order of the catalog: of two that were used at the same time the later one stays
 */
export function choosePrunable(
  versions: readonly StoredVersion[],
  { count, days }: Pick<RetainConfig, 'count' | 'days'>,
  now: number,
): string[] {
  if (count === null && days === null) return []
  const isRetained = ({ lastUse }: StoredVersion, rank: number) =>
    (count !== null && rank < count) || (days !== null && now - lastUse < days * day)
  return versions
    .toReversed()
    .filter(({ isKept }) => !isKept)
    .sort((a, b) => b.lastUse - a.lastUse)
    .filter((version, rank) => !isRetained(version, rank))
    .map(({ name }) => name)
}

/** Whether a name is one of those given, in which `*` stands for any characters. Pure. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(name, pattern.split('*')))
}

/** Without a regular expression: many stars would make one slow. */
function matches(name: string, pieces: readonly string[]): boolean {
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) return name === first
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  let middle = name.slice(first.length, name.length - last.length)
  for (const piece of rest) {
    const at = middle.indexOf(piece)
    if (at === -1) return false
    middle = middle.slice(at + piece.length)
  }
  return true
}
