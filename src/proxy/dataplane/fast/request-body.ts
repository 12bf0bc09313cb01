import { requestTrailers } from '../worker-request.ts'
import { type Body, ChunkedBody, MeasuredBody } from './body.ts'

const none: RequestBody = { hasBody: false, body: new MeasuredBody(0) }

export interface RequestBody {
  readonly hasBody: boolean
  readonly body: Body
}

/** A request's body: of a stated length, in chunks, or none. */
export interface RequestFraming {
  readonly isChunked: boolean
  /** -1: none was given. */
  readonly contentLength: number
}

/** What is to follow a request's head. @param limit bytes that a body in chunks may have; 0: any number */
export function requestBodyOf({ isChunked, contentLength }: RequestFraming, limit: number): RequestBody {
  if (isChunked) return { hasBody: true, body: new ChunkedBody(requestTrailers, limit || undefined) }
  return contentLength > 0 ? { hasBody: true, body: new MeasuredBody(contentLength) } : none
}
