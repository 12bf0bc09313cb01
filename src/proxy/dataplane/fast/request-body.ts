import { requestTrailers } from '../worker-request.ts'
import { type Body, ChunkedBody, MeasuredBody } from './body.ts'

const none: RequestBody = { hasBody: false, body: new MeasuredBody(0) }

export interface RequestBody {
  readonly hasBody: boolean
  readonly body: Body
}

/** What is to follow a request's head. @param contentLength -1: none was given */
export function requestBodyOf(head: { readonly isChunked: boolean; readonly contentLength: number }): RequestBody {
  if (head.isChunked) return { hasBody: true, body: new ChunkedBody(requestTrailers) }
  return head.contentLength > 0 ? { hasBody: true, body: new MeasuredBody(head.contentLength) } : none
}
