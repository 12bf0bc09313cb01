let count = 0

/** What a client calls itself by; so that no two are alike, and no edit makes one of another. */
export function nextHost(prefix: 'h' | 'v'): string {
  count++
  return prefix + String((count * 760_013_371) % 1_000_000_007).padStart(10, '0')
}

/** The clients that are named in what one got, besides that one. */
export function strangersIn(text: string, host: string): string[] {
  return [...new Set(text.match(/\b[hv]\d{10}\b/g))].filter((name) => name !== host)
}
