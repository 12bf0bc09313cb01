/** Bytes that the scanners look for. */
export const HTAB = 9
export const LF = 10
export const CR = 13
export const SP = 32
export const COLON = 58

/** By byte: for a token character (RFC 9110 5.6.2) its lower-case form, else 0. */
export const tokenBytes = table((text) => (/^[!#$%&'*+.^_`|~0-9A-Za-z-]$/.test(text) ? text.toLowerCase() : null))

/** By byte: not 0 where it may stand in a field value without obs-text (RFC 9110 5.5). */
export const visibleBytes = table((text) => (/^[\t\x20-\x7e]$/.test(text) ? text : null))

/** By byte: not 0 where it may stand in a field value, obs-text included. */
export const fieldBytes = table((text) => (/^[\t\x20-\x7e\x80-\xff]$/.test(text) ? text : null))

/** By byte: not 0 where it may stand in a target; the same that the general lane lets pass (check-request.ts). */
export const targetBytes = table((text) => (/^[\x21\x22\x24-\x7e]$/.test(text) ? text : null))

/** Whether the token that begins at `start` is this name; its length is known to be the same. @param name lower case */
export function isNamed(bytes: Uint8Array, start: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if (tokenBytes[bytes[start + index] as number] !== name.charCodeAt(index)) return false
  }
  return true
}

/** Whether the bytes from `start` to `end` are this text, in any case. @param text lower case, token characters only */
export function isText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  return end - start === text.length && isNamed(bytes, start, text)
}

/**
 * Whether there is nothing around a value but a space in front, or not even that. A tab is as good (RFC 9112 5), but there are
 * readers that do not know a length or a coding by it.
 * @param lineEnd behind CRLF
 */
export function isBare(bytes: Uint8Array, valueStart: number, valueEnd: number, lineEnd: number): boolean {
  const before = bytes[valueStart - 1]
  return valueEnd === lineEnd - 2 && (before === COLON || (before === SP && bytes[valueStart - 2] === COLON))
}

/** A whole number in decimal digits and nothing else, without leading zeros; -1 if it is not, or too large to be exact. */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length < 1 || length > 15) return -1
  let value = 0
  for (let index = start; index < end; index++) {
    const digit = (bytes[index] as number) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return length > 1 && bytes[start] === 48 ? -1 : value
}

function table(map: (text: string) => string | null): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => map(String.fromCharCode(byte))?.charCodeAt(0) ?? 0)
}
