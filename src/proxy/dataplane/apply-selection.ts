import { withoutBlanks } from '../routing/cookies.ts'
import type { ReplacedHeader, Selection } from '../routing/selection.ts'

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
  const fields = changeLines(lines.flatMap(toField), prefix, replaced)
  let head = `${requestLine}\r\n`
  for (let index = 0; index < fields.length; index += 2) head += `${fields[index]}: ${fields[index + 1]}\r\n`
  return `${head}\r\n`
}

/** The same for header lines, names and values in turn. */
export function applyToLines(lines: string[], { prefix, replaced }: Selection): string[] {
  return prefix === null && replaced.length === 0 ? lines : changeLines(lines, prefix, replaced)
}

function toField(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), withoutBlanks(line.slice(colon + 1))]
}

function changeLines(lines: readonly string[], prefix: string | null, replaced: readonly ReplacedHeader[]): string[] {
  const changes = new Map(replaced)
  const changed: string[] = []
  let earlier = ''
  for (let index = 0; index < lines.length; index += 2) {
    const name = lines[index] ?? ''
    const value = lines[index + 1] ?? ''
    const lowerName = name.toLowerCase()
    if (prefix !== null && lowerName === lowerPrefixName) earlier = value
    else if (!changes.has(lowerName)) changed.push(name, value)
  }
  for (const [name, value] of changes) if (value !== null) changed.push(name, value)
  if (prefix !== null) changed.push(prefixName, `${earlier.replace(/\/+$/, '')}${prefix}`)
  return changed
}
