import semver from 'semver'

const natural = new Intl.Collator('en', { numeric: true })

/** `1`, `v1.2`, `v1.2.3-rc.1+build`. */
const semverLike = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?([-+][0-9A-Za-z.+-]+)?$/

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
  const [, major, minor = '0', patch = '0', rest = ''] = semverLike.exec(name) ?? []
  return major === undefined ? null : semver.parse(`${Number(major)}.${Number(minor)}.${Number(patch)}${rest}`)
}
