/** `1`, `v1.2`, `v1.2.3-rc.1+build`. */
const semverLike = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?([-+][0-9A-Za-z.+-]+)?$/

/**
 * The semantic version that a version's name looks like, as text that semver may still find fault with: `v2` is 2.0.0; null: it
 * looks like none.
 */
export function semanticText(name: string): string | null {
  const [, major, minor = '0', patch = '0', rest = ''] = semverLike.exec(name) ?? []
  return major === undefined ? null : `${Number(major)}.${Number(minor)}.${Number(patch)}${rest}`
}
