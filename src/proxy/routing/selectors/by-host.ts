import type { Selector } from '../selector.ts'
import type { VersionNames } from '../version-names.ts'

/**
 * The host that the client asks for, where it looks like the pattern; its port does not matter. The name is one label of it, or part of
 * one, written as `hostLabel` writes names; where the pattern fits and that is none, so is the version.
 * @param pattern lower case, with `{version}` once
 */
export function byHost(pattern: string): Selector {
  const [before = '', behind = ''] = pattern.split('{version}')
  return {
    by: 'host',
    read({ host }) {
      const name = host
        .toLowerCase()
        .replace(/:[0-9]*$/, '')
        .replace(/\.$/, '')
      const isLike = name.length >= before.length + behind.length && name.startsWith(before) && name.endsWith(behind)
      if (!isLike) return null
      const label = name.slice(before.length, name.length - behind.length)
      return /^[a-z0-9-]+$/.test(label) ? label : ''
    },
    find: (label: string, names: VersionNames) => names.byLabel(label),
  }
}
