import type { SelectableRequest } from './selection.ts'

/** The values of every cookie of that name, in order, as they came (RFC 6265 4.2.1). */
export function cookieValues(request: SelectableRequest, name: string): string[] {
  const values: string[] = []
  for (const line of request.header('cookie')) {
    for (const pair of line.split(';')) {
      const equals = pair.indexOf('=')
      if (equals !== -1 && pair.slice(0, equals).trim() === name) values.push(pair.slice(equals + 1).trim())
    }
  }
  return values
}
