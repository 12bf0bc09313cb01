import type { ErrorCode } from '../../common/errors.ts'

/** What `node:http` reports of a connection whose bytes are not HTTP, or do not come. */
export interface ClientError extends Error {
  readonly code?: string
  /** The last bytes that it read. */
  readonly rawPacket?: Buffer
  /** How many of them it took before the error. */
  readonly bytesParsed?: number
}

/** What such a client is answered; null: nothing, it has gone. Pure. */
export function codeOfClientError(error: ClientError): ErrorCode | null {
  const { code } = error
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'REQUEST_TIMEOUT'
  if (code === 'HPE_HEADER_OVERFLOW') return isRequestLine(lineAtError(error)) ? 'TARGET_TOO_LONG' : 'HEADERS_TOO_LARGE'
  // RFC 9110 15.6.2: a method that is one, but that we do not know.
  if (code === 'HPE_INVALID_METHOD') return isRequestLine(lineAtError(error)) ? 'NOT_IMPLEMENTED' : 'BAD_REQUEST'
  return code?.startsWith('HPE_') ? 'BAD_REQUEST' : null
}

/** The line that the error is in, from its beginning or that of the last packet. */
function lineAtError({ rawPacket, bytesParsed = 0 }: ClientError): string {
  if (rawPacket === undefined) return ''
  const start = bytesParsed === 0 ? 0 : rawPacket.lastIndexOf(10, bytesParsed - 1) + 1
  return rawPacket.toString('latin1', start, start + 100)
}

function isRequestLine(line: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} /.test(line)
}
