import {
  addEarlier,
  type EarlierForwarding,
  isForwardingHeader,
  isOwnForwarding,
  nothingEarlier,
} from '../forwarding.ts'
import { isDisguised } from '../worker-request.ts'
import type { RequestHead } from './scan-request-head.ts'

/**
 * The scanner cuts all forwarding headers, as an untrusted peer's have to be. Of a trusted peer's, those that are written anew
 * stay cut, and what they say is returned; the others (X-Forwarded-Port, …) go on after all.
 * @param text the bytes from the beginning of the head to its end, one character a byte
 */
export function takeForwarding(text: string, head: RequestHead): EarlierForwarding {
  const { cuts, start } = head
  if (cuts === null) return nothingEarlier
  const earlier = new Map<string, string>()
  const kept: number[] = []
  for (let index = 0; index < cuts.length; index += 2) {
    const end = (cuts[index + 1] as number) - start
    let lineEnd = 0
    for (let at = (cuts[index] as number) - start; at < end; at = lineEnd) {
      lineEnd = text.indexOf('\n', at) + 1
      const colon = text.indexOf(':', at)
      const lowerName = text.slice(at, colon).toLowerCase()
      if (isOwnForwarding(lowerName)) addEarlier(earlier, lowerName, text.slice(colon + 1, lineEnd).trim())
      else if (isForwardingHeader(lowerName) && !isDisguised(lowerName)) continue
      if (kept.at(-1) === at + start) kept[kept.length - 1] = lineEnd + start
      else kept.push(at + start, lineEnd + start)
    }
  }
  head.cuts = kept.length === 0 ? null : kept
  return earlier
}
