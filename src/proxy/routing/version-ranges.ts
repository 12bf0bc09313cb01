import type { Comparator, SemVer } from 'semver'
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

/** Those names that are semantic versions. Immutable. */
export class VersionRanges {
  readonly #stable: readonly Candidate[]
  /** By the version that they come before: `2.0.0`. */
  readonly #prereleases = new Map<string, Candidate[]>()

  constructor(names: Iterable<string>) {
    const { compareBuild } = loadSemver()
    const versions = [...names].flatMap((name) => {
      const semver = parse(name)
      return semver === null ? [] : [{ name, semver }]
    })
    // Of two names for one version (`v2`, `2.0.0`) the same one is always preferred.
    versions.sort((a, b) => compareBuild(b.semver, a.semver) || (a.name < b.name ? 1 : -1))
    const candidates = versions.map((version, rank) => ({ ...version, rank }))
    this.#stable = candidates.filter(({ semver }) => semver.prerelease.length === 0)
    for (const candidate of candidates) {
      if (candidate.semver.prerelease.length === 0) continue
      const release = releaseOf(candidate.semver)
      const others = this.#prereleases.get(release)
      if (others === undefined) this.#prereleases.set(release, [candidate])
      else others.push(candidate)
    }
  }

  /**
   * The highest version in the range, as semver tells it: prereleases only where the range names one of the same version.
   * `latest` is the highest that is no prerelease. null: no such version, or no range. Takes a time that hardly grows with the
   * number of versions: each part of a range is an interval, whose highest is found by halving.
   */
  highest(text: string): string | null {
    if (text === 'latest') return this.#stable[0]?.name ?? null
    let highest: Candidate | undefined
    for (const set of alternativesOf(text)) {
      for (const versions of this.#within(set)) {
        const found = highestOf(versions, set)
        if (found !== undefined && (highest === undefined || found.rank < highest.rank)) highest = found
      }
    }
    return highest?.name ?? null
  }

  /** The versions that may be in it: those of a release whose prereleases it names, and all that are none. */
  #within(set: readonly Comparator[]): Array<readonly Candidate[]> {
    const named = set.filter(({ semver }) => isVersion(semver) && semver.prerelease.length > 0)
    const releases = new Set(named.map(({ semver }) => releaseOf(semver)))
    return [this.#stable, ...[...releases].map((release) => this.#prereleases.get(release) ?? [])]
  }
}

/** A version that a range may be answered with. */
interface Candidate {
  readonly name: string
  readonly semver: SemVer
  /** Its place among all, the highest first. */
  readonly rank: number
}

/** Those between `||`, each a list of comparators that all have to hold; none where the text is no range. */
function alternativesOf(text: string): ReadonlyArray<readonly Comparator[]> {
  try {
    return new (loadSemver().Range)(text).set
  } catch {
    return []
  }
}

/** @param versions the highest first */
function highestOf(versions: readonly Candidate[], set: readonly Comparator[]): Candidate | undefined {
  const upper = set.filter(({ operator }) => operator !== '>' && operator !== '>=')
  let low = 0
  let high = versions.length
  while (low < high) {
    const middle = (low + high) >> 1
    const candidate = versions[middle]
    if (candidate !== undefined && upper.every((bound) => isBelow(candidate.semver, bound))) high = middle
    else low = middle + 1
  }
  // All that come after it are lower: where it is too low, so are they.
  const candidate = versions[low]
  return candidate !== undefined && set.every((comparator) => comparator.test(candidate.semver)) ? candidate : undefined
}

/** Whether a version is not above it; of one that has to be equal, that is the upper half of the question. */
function isBelow(version: SemVer, bound: Comparator): boolean {
  if (!isVersion(bound.semver)) return true
  const order = version.compare(bound.semver)
  return bound.operator === '<' ? order < 0 : order <= 0
}

/** semver has a mark in its place where every version will do. */
function isVersion(semver: SemVer): boolean {
  return semver.version !== undefined
}

function releaseOf({ major, minor, patch }: SemVer): string {
  return `${major}.${minor}.${patch}`
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
