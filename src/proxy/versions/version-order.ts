import semver from 'semver'
import { semanticText } from '../routing/semantic-name.ts'

const natural = new Intl.Collator('en', { numeric: true })

/** Version names, lowest first: by semver where every one looks like a semantic version, else in natural order. Pure. */
export function sortVersionNames(names: readonly string[]): string[] {
  const versions = new Map(names.map((name) => [name, toSemver(name)]))
  const areSemver = [...versions.values()].every((version) => version !== null)
  return [...names].sort((a, b) => {
    const [left, right] = [versions.get(a), versions.get(b)]
    const order = areSemver && left && right ? semver.compareBuild(left, right) : 0
    return order || natural.compare(a, b) || (a < b ? -1 : 1)
  })
}

function toSemver(name: string): semver.SemVer | null {
  const text = semanticText(name)
  return text === null ? null : semver.parse(text)
}
