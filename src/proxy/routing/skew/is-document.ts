import type { SelectableRequest } from '../selection.ts'

/**
 * Whether the request loads a page, and not something for a page that is loaded already. Browsers say so (Fetch Metadata,
 * `Sec-Fetch-Dest`) to origins that they trust: https and localhost. Elsewhere a page is what is asked for as HTML first, and
 * not by a script, which asks for anything. One that a page fetches ahead of need (`Sec-Purpose: prefetch`) belongs to that page.
 */
export function isDocument(request: SelectableRequest): boolean {
  if (request.header('sec-purpose').some((value) => value.includes('prefetch'))) return false
  const destination = request.header('sec-fetch-dest')
  if (destination.length > 0) return destination.length === 1 && destination[0] === 'document'
  return request.header('accept').some((value) => /^text\/html(?:[;,]|$)/i.test(value))
}
