import type { Selection } from '../routing/selection.ts'
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
export function applySelection(text: string, { target, prefix }: Selection): string {
  if (target === null && prefix === null) return text
  let changed = text
  if (target !== null) {
    const start = text.indexOf(' ') + 1
    changed = `${text.slice(0, start)}${target}${text.slice(text.indexOf(' ', start))}`
  }
  if (prefix === null) return changed
  let earlier = ''
  const lines = changed.split('\r\n').filter((line) => {
    const colon = line.indexOf(':')
    if (line.slice(0, colon).toLowerCase() !== lowerPrefixName) return true
    earlier = line.slice(colon + 1).trim()
    return false
  })
  lines.splice(-2, 0, `${prefixName}: ${joined(earlier, prefix)}`)
  return lines.join('\r\n')
}

/** The same for header fields. */
export function addPrefix(headers: readonly Header[], { prefix }: Selection): readonly Header[] {
  if (prefix === null) return headers
  const earlier = headers.find(([name]) => name.toLowerCase() === lowerPrefixName)?.[1].at(-1)
  const others = headers.filter(([name]) => name.toLowerCase() !== lowerPrefixName)
  return [...others, [prefixName, [joined(earlier ?? '', prefix)]]]
}

function joined(earlier: string, prefix: string): string {
  return `${earlier.replace(/\/+$/, '')}${prefix}`
}
