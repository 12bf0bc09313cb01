import type { PathPrefixSettings } from '../selection-settings.ts'
import type { Selector } from '../selector.ts'
import { decoded } from './decoded.ts'

/** The first segments of the path: `/_v/v2/a?b` is `/a?b` of v2. They are cut off for the worker, unless `keep`. */
export function byPath({ before, keep }: PathPrefixSettings): Selector {
  return {
    by: 'path',
    read({ target }) {
      if (!target.startsWith(before)) return null
      const length = target.slice(before.length).search(/[/?]/)
      const end = length === -1 ? target.length : before.length + length
      const version = decoded(target.slice(before.length, end))
      if (keep) return version
      const rest = target.slice(end)
      return { version, target: rest.startsWith('/') ? rest : `/${rest}`, prefix: target.slice(0, end) }
    },
  }
}
