import { addSelectionHeaders } from '../apply-selection.ts'
import type { FastRequest } from './fast-request.ts'

/** Header lines that the gateway adds to an answer, names and values in turn. @param closes whether the connection ends with it */
export function ownHeaders(
  { requestId, entry: { selection } }: FastRequest,
  tellsVersion: boolean,
  closes: boolean,
): string[] {
  const headers = ['X-Request-Id', requestId]
  addSelectionHeaders(headers, selection, tellsVersion)
  if (closes) headers.push('Connection', 'close')
  return headers
}
