import type { ReplacedHeader, Selection } from '../routing/selection.ts'
import type { Header } from './worker-request.ts'

const prefixName = 'X-Forwarded-Prefix'
const lowerPrefixName = prefixName.toLowerCase()

/** Adds the header lines that an answer gets because of the selection. @param headers names and values in turn */
export function addSelectionHeaders(headers: string[], selection: Selection, tellsVersion: boolean): void {
  const { version, by, lost, cookies } = selection
  if (tellsVersion) headers.push('X-Served-Version', `${version}; by=${by}${lost === null ? '' : `; lost=${lost}`}`)
  for (const cookie of cookies) headers.push('Set-Cookie', cookie)
}

/**
 * The head of a request as the selection changes it for a worker.
 * @param text one character a byte; from a peer that is trusted it may name a prefix already, which ours goes behind
 */
export function applySelection(text: string, { target, prefix, replaced }: Selection): string {
  if (target === null && prefix === null && replaced.length === 0) return text
  let changed = text
  if (target !== null) {
    const start = text.indexOf(' ') + 1
    changed = `${text.slice(0, start)}${target}${text.slice(text.indexOf(' ', start))}`
  }
  if (prefix === null && replaced.length === 0) return changed
  const [requestLine, ...lines] = changed.slice(0, -4).split('\r\n')
  const written = changeHeaders(lines.map(toHeader), prefix, replaced).map(([name, [value]]) => `${name}: ${value}`)
  return [requestLine, ...written, '', ''].join('\r\n')
}

/** The same for header fields. */
export function applyToHeaders(headers: readonly Header[], { prefix, replaced }: Selection): readonly Header[] {
  return prefix === null && replaced.length === 0 ? headers : changeHeaders(headers, prefix, replaced)
}

function toHeader(line: string): Header {
  const colon = line.indexOf(':')
  // Not `trim`: to that, the last byte of a name like Voilà in UTF-8 is white space.
  return [line.slice(0, colon), [line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')]]
}

function changeHeaders(
  headers: readonly Header[],
  prefix: string | null,
  replaced: readonly ReplacedHeader[],
): readonly Header[] {
  const changes = new Map(replaced)
  let earlier = ''
  const kept = headers.filter(([name, values]) => {
    const lowerName = name.toLowerCase()
    if (prefix !== null && lowerName === lowerPrefixName) {
      earlier = values.at(-1) ?? ''
      return false
    }
    return !changes.has(lowerName)
  })
  for (const [name, value] of changes) if (value !== null) kept.push([name, [value]])
  if (prefix !== null) kept.push([prefixName, [`${earlier.replace(/\/+$/, '')}${prefix}`]])
  return kept
}
