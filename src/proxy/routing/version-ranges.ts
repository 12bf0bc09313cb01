import type { SemVer } from 'semver'
import { loadSemver } from './load-semver.ts'
import { semanticText } from './semantic-name.ts'

/** Longer texts are no ranges, nor are those of more parts: semver takes its time to find that out. */
const longestRange = 64
const mostComparators = 8

const part = '(?:[0-9]{1,9}|[xX*])'
const partial = `v?${part}(?:\\.${part}){0,2}(?:-[0-9A-Za-z.-]+)?(?:\\+[0-9A-Za-z.-]+)?`
const comparator = new RegExp(`^(?:(?:[~^=<>]|[<>]=|~>)?${partial}|[~^=<>]|[<>]=|-)$`)

/**
 * Whether it is worth asking semver: made of what ranges are made of, and short. `^2.1`, `>=2 <3`, `1.x || 2.x`, `latest`. Takes no
 * time to speak of, whatever the text.
 */
export function looksLikeRange(text: string): boolean {
  if (text.length > longestRange) return false
  if (text === 'latest') return true
  const comparators = text.split('||').flatMap((set) => set.trim().split(/\s+/))
  return comparators.length <= mostComparators && comparators.every((item) => comparator.test(item))
}

/** Those names that are semantic versions, highest first. Immutable. */
export class VersionRanges {
  readonly #versions: ReadonlyArray<{ readonly name: string; readonly semver: SemVer }>

  constructor(names: Iterable<string>) {
    const { compareBuild } = loadSemver()
    const versions = [...names].flatMap((name) => {
      const semver = parse(name)
      return semver === null ? [] : [{ name, semver }]
    })
    // Of two names for one version (`v2`, `2.0.0`) the same one is always preferred.
    this.#versions = versions.sort((a, b) => compareBuild(b.semver, a.semver) || (a.name < b.name ? 1 : -1))
  }

  /**
   * The highest version in the range, as semver tells it: prereleases only where the range names one of the same version.
   * `latest` is the highest that is no prerelease. null: no such version, or no range.
   */
  highest(text: string): string | null {
    const { Range } = loadSemver()
    if (text === 'latest') return this.#versions.find(({ semver }) => semver.prerelease.length === 0)?.name ?? null
    try {
      const range = new Range(text)
      return this.#versions.find(({ semver }) => range.test(semver))?.name ?? null
    } catch {
      return null
    }
  }
}

function parse(name: string): SemVer | null {
  const text = semanticText(name)
  if (text === null) return null
  try {
    return new (loadSemver().SemVer)(text)
  } catch {
    return null
  }
}
