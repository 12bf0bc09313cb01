import { cookieValues } from '../cookies.ts'
import type { Selector } from '../selector.ts'
import { decoded } from './decoded.ts'

/** A cookie, percent-encoded where it has to be. An empty one is as if it were absent; two of the name name no version. */
export function byCookie(name: string): Selector {
  return {
    by: 'cookie',
    read(request) {
      const [value, second] = cookieValues(request.header('cookie'), name)
      if (second !== undefined) return ''
      return value === undefined || value === '' ? null : decoded(value)
    },
  }
}
