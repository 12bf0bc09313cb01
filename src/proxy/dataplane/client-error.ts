import type { ErrorCode } from '../../common/errors.ts'

/** What `node:http` reports of a connection whose bytes are not HTTP, or do not come. */
export interface ClientError extends Error {
  readonly code?: string
  /** The last bytes that it read. */
  readonly rawPacket?: Buffer
}

/** What such a client is answered; null: nothing, it has gone. Pure. */
export function codeOfClientError({ code, rawPacket }: ClientError): ErrorCode | null {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'REQUEST_TIMEOUT'
  if (code === 'HPE_HEADER_OVERFLOW') return isRequestLineLong(rawPacket) ? 'TARGET_TOO_LONG' : 'HEADERS_TOO_LARGE'
  if (code === 'HPE_INVALID_METHOD') return startsWithToken(rawPacket) ? 'NOT_IMPLEMENTED' : 'BAD_REQUEST'
  return code?.startsWith('HPE_') ? 'BAD_REQUEST' : null
}

/** Whether what overflowed is the request line, as far as the last packet shows. */
function isRequestLineLong(packet: Buffer | undefined): boolean {
  if (packet === undefined || !startsWithToken(packet)) return false
  const end = packet.indexOf(10)
  return end === -1 || end > 8 * 1024
}

/** RFC 9110 15.6.2: a method that is one, but that we do not know. */
function startsWithToken(packet: Buffer | undefined): boolean {
  return packet !== undefined && /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} /.test(packet.toString('latin1', 0, 65))
}
