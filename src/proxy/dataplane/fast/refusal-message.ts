import { type Answer, composeAnswer, isNavigation, prefersHtml, toMessage } from '../answer.ts'
import type { Refusal } from '../refusal.ts'
import type { FastRequest } from './fast-request.ts'

/** What of a request decides how it is refused. */
export type AskedRequest = Pick<FastRequest, 'method' | 'text' | 'requestId'>

/** The gateway's own answer to a request of the fast lane, the same that the general lane gives. */
export function refusalMessage(
  refusal: Refusal,
  request: FastRequest,
  closes: boolean,
): { readonly status: number; readonly message: Buffer } {
  const answer = refusalAnswer(refusal, request, request.entry.selection.version)
  return { status: answer.status, message: toMessage(answer, { closes, isForHead: request.method === 'HEAD' }) }
}

/** @param version what the request is for, if that is known */
export function refusalAnswer(refusal: Refusal, request: AskedRequest, version: string | null): Answer {
  const { text, requestId } = request
  const isWaiting = refusal.code === 'VERSION_STARTING' && navigates(request)
  return composeAnswer(refusal, {
    requestId,
    prefersHtml: prefersHtml(fieldsOf(text).accept),
    ...(isWaiting && version !== null ? { waitingFor: version } : {}),
  })
}

/** Whether a person looks at a page. */
export function navigates({ method, text }: AskedRequest): boolean {
  return isNavigation(method, fieldsOf(text))
}

/** The fields of a head by lower-case name; repeated ones are joined. */
function fieldsOf(text: string): NodeJS.Dict<string> {
  const fields: NodeJS.Dict<string> = Object.create(null)
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon < 1) continue
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    fields[name] = fields[name] === undefined ? value : `${fields[name]}, ${value}`
  }
  return fields
}
