import { composeAnswer, isNavigation, prefersHtml, toMessage } from '../answer.ts'
import type { Refusal } from '../refusal.ts'

/** What of a request decides how its refusal looks. */
export interface RefusedRequest {
  readonly method: string
  /** Its head, one character a byte. */
  readonly text: string
  readonly requestId: string
  /** The version it was for. */
  readonly version: string
}

/** The gateway's own answer to a request of the fast lane, the same that the general lane gives. */
export function refusalMessage(
  refusal: Refusal,
  { method, text, requestId, version }: RefusedRequest,
  closes: boolean,
): { readonly status: number; readonly message: Buffer } {
  const fields = fieldsOf(text)
  const isWaiting = refusal.code === 'VERSION_STARTING' && isNavigation(method, fields)
  const answer = composeAnswer(refusal, {
    requestId,
    prefersHtml: prefersHtml(fields.accept),
    ...(isWaiting ? { waitingFor: version } : {}),
  })
  return { status: answer.status, message: toMessage(answer, { closes, isForHead: method === 'HEAD' }) }
}

/** Whether a person looks at a page. */
export function navigates(method: string, text: string): boolean {
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
