/** What was percent-encoded (RFC 3986 2.1); '', which names no version, where it was encoded wrongly. */
export function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
