import type { AccessLogLine } from '../access-log.ts'
import type { FastExchange } from './fast-exchange.ts'
import { targetOf } from './fast-request.ts'

/** The line of the access log for an exchange that is over. @param startedAt milliseconds since the epoch */
export function accessLine(exchange: FastExchange, client: string, startedAt: number, bytes: number): AccessLogLine {
  const { status, request, tries } = exchange
  const { entry, method, requestId } = request
  return {
    time: new Date(startedAt).toISOString(),
    requestId,
    client,
    method,
    target: targetOf(request),
    status,
    bytes,
    duration: Date.now() - startedAt,
    version: entry.selection.version,
    by: entry.selection.by,
    worker: tries.target.id,
    retries: tries.retries,
  }
}
