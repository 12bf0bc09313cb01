import type { Selector } from '../selector.ts'
import { decoded } from './decoded.ts'

/** A parameter of the query, as forms encode it. One that is empty is as if it were absent; two name no version. */
export function byQuery(name: string): Selector {
  return {
    by: 'query',
    read({ target }) {
      const start = target.indexOf('?')
      if (start === -1) return null
      const values: string[] = []
      for (const pair of target.slice(start + 1).split('&')) {
        const equals = pair.indexOf('=')
        const key = equals === -1 ? pair : pair.slice(0, equals)
        if (decoded(key.replaceAll('+', ' ')) === name) values.push(equals === -1 ? '' : pair.slice(equals + 1))
      }
      const [value, second] = values
      if (second !== undefined) return ''
      return value === undefined || value === '' ? null : decoded(value.replaceAll('+', ' '))
    },
  }
}
