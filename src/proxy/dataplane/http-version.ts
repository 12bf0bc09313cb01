import type { IncomingMessage } from 'node:http'

/** Whether the client speaks HTTP/1.0: no chunks, no 1xx, no upgrades. */
export function isHttp10(req: IncomingMessage): boolean {
  return req.httpVersionMajor === 1 && req.httpVersionMinor === 0
}
