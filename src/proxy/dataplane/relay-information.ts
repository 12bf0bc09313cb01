import type { IncomingMessage, ServerResponse } from 'node:http'
import { isHttp10 } from './http-version.ts'
import { reasonPhrase, relayedHeaders } from './relay-answer.ts'

/** Passes a worker's 1xx answer on: `100 Continue` to a client that waits for one, others to whoever speaks HTTP/1.1. */
export function relayInformation(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  reason: string,
  rawHeaders: readonly string[],
): void {
  if (isHttp10(req) || res.headersSent || !req.socket.writable) return
  if (status === 100) {
    if (req.headers.expect !== undefined) res.writeContinue()
    return
  }
  // A client that does not read them has no use for more, and they would fill our memory.
  if (req.socket.writableNeedDrain) return
  const lines = [`HTTP/1.1 ${status} ${reasonPhrase(reason)}`]
  const headers = relayedHeaders(rawHeaders, status, [])
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`)
  // Answers on a connection are written one after the other, and nothing of this one has been written yet.
  req.socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
