/**
 * How many more times an OPTIONS may be forwarded (RFC 9110 7.6.2); null: as often as need be. Other methods know no such
 * limit. The values have been checked.
 */
export function forwardsLeft(method: string | undefined, rawHeaders: readonly string[]): number | null {
  if (method !== 'OPTIONS') return null
  let left: number | null = null
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (isMaxForwards(rawHeaders[index]))
      left = Math.min(left ?? Number.POSITIVE_INFINITY, Number(rawHeaders[index + 1]))
  }
  return left
}

/** The header lines of a request that is forwarded once more. */
export function countForward(method: string | undefined, rawHeaders: readonly string[]): readonly string[] {
  if (forwardsLeft(method, rawHeaders) === null) return rawHeaders
  return rawHeaders.map((text, index) =>
    index % 2 === 1 && isMaxForwards(rawHeaders[index - 1]) ? String(Number(text) - 1) : text,
  )
}

function isMaxForwards(name: string | undefined): boolean {
  return name?.length === 12 && name.toLowerCase() === 'max-forwards'
}
