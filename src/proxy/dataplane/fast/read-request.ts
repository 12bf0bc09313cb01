import { applySelection } from '../apply-selection.ts'
import { isTooLong } from '../body-guard.ts'
import { clientAddress, nothingEarlier } from '../forwarding.ts'
import type { LaneContext } from '../lane.ts'
import { isHealthPath } from '../own-answer.ts'
import type { Peer } from '../peer.ts'
import { requestIdOf } from '../request-id.ts'
import type { FastRequest } from './fast-request.ts'
import type { ForwardingLines } from './forwarding-lines.ts'
import { requestBodyOf } from './request-body.ts'
import type { RequestHead } from './scan-request-head.ts'
import { SelectableHead, targetOf } from './selectable-head.ts'
import { spliceRequestHead } from './splice-request-head.ts'
import { takeForwarding } from './trusted-head.ts'

export interface ReadRequest {
  /** Counted on its version and its target. */
  readonly request: FastRequest
  /** The client's address for the access log; empty where there is none. */
  readonly client: string
}

/**
 * Makes of a head, which begins the bytes, a request on its way to a target.
 * @param bytes lent
 * @returns null if it is for the general lane after all
 */
export function readRequest(
  context: LaneContext,
  peer: Peer,
  forwarding: ForwardingLines,
  bytes: Buffer,
  head: RequestHead,
): ReadRequest | null {
  const { maxBodySize, healthPath } = context.settings()
  if (isTooLong(head.contentLength, maxBodySize)) return null
  const raw = bytes.toString('latin1', 0, head.end)
  if (healthPath !== null && isHealthPath(targetOf(raw, head), healthPath)) return null
  const trusted = context.trustedPeers()
  const earlier = trusted.has(peer.address) ? takeForwarding(raw, head) : nothingEarlier
  const lines = forwarding.of(raw.slice(head.hostStart, head.hostEnd), earlier)
  if (lines === null) return null
  const address = (): string => clientAddress(peer, trusted, () => earlier)
  const selectable = new SelectableHead(raw, head, address)
  const entry = context.dispatcher.enterReady(selectable)
  if (entry === null) return null
  const given = head.requestIdStart === -1 ? undefined : raw.slice(head.requestIdStart, head.requestIdEnd)
  const requestId = requestIdOf(given)
  const text = spliceRequestHead(raw, head, `${lines}X-Request-Id: ${requestId}\r\n`)
  const { hasBody, body } = requestBodyOf(head, maxBodySize)
  return {
    request: {
      method: head.method,
      text: applySelection(text, entry.selection),
      sentTarget: entry.selection.target === null ? null : selectable.target,
      requestId,
      entry,
      hasBody,
      body,
    },
    client: context.accessLog() === null ? '' : address(),
  }
}
