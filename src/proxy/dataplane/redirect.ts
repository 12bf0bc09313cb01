/**
 * Where a redirecting binding sends a request: to the same path at another origin; for a port, at the same host there, by
 * HTTPS, since that is what such a binding is for (port 80: HTTP).
 * @param authority what the client asked for, checked; null if it did not say (HTTP/1.0)
 * @returns null if there is no telling
 */
export function redirectLocation(to: number | string, authority: string | null, path: string): string | null {
  const rest = path === '*' ? '/' : path
  if (typeof to === 'string') return `${to.replace(/\/+$/, '')}${rest}`
  if (authority === null) return null
  const host = authority.replace(/:\d*$/, '')
  if (to === 80) return `http://${host}${rest}`
  return `https://${host}${to === 443 ? '' : `:${to}`}${rest}`
}
