import type { SelectableRequest } from '../selection.ts'

/**
 * Whether the request loads a page, and not something for a page that is loaded already. Browsers say so (Fetch Metadata,
 * `Sec-Fetch-Dest`) to origins that they trust: https and localhost. Elsewhere a page is what is asked for as HTML first, and
 * not by a script, which asks for anything.
 */
export function isDocument(request: SelectableRequest): boolean {
  const destination = request.header('sec-fetch-dest')
  if (destination.length > 0) return destination.length === 1 && destination[0] === 'document'
  return request.header('accept').some((value) => /^text\/html(?:[;,]|$)/i.test(value))
}
