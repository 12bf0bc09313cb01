import { STATUS_CODES } from 'node:http'
import { describeError } from '../../common/errors.ts'
import type { Refusal } from './refusal.ts'
import { waitingPage } from './waiting-page.ts'

/** An answer of the gateway itself, for either lane to write. */
export interface Answer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Buffer
}

export interface AnswerOptions {
  readonly requestId: string
  readonly prefersHtml: boolean
  /** Set where a browser navigates to a version that is starting: the version's name. */
  readonly waitingFor?: string
}

/**
 * What a client is told when the gateway does not get it an answer of a worker: a problem document (RFC 9457), or a small
 * page. Says only what an anonymous client may know: what stands in the catalogue, and the request id.
 */
export function composeAnswer(refusal: Refusal, options: AnswerOptions): Answer {
  const { status, title } = describeError(refusal.code)
  const isWaiting = options.waitingFor !== undefined
  const headers = [
    'Content-Type',
    '',
    'Content-Length',
    '',
    'Cache-Control',
    'no-store',
    'X-Request-Id',
    options.requestId,
  ]
  if (status === 503) headers.push('Retry-After', String(refusal.retryAfter ?? 1))
  let body: string
  if (options.waitingFor !== undefined) body = waitingPage(options.waitingFor, options.requestId)
  else if (options.prefersHtml) body = page(status, title, refusal.code, options.requestId)
  else body = problem(status, title, refusal.code, options.requestId)
  const bytes = Buffer.from(body)
  headers[1] = isWaiting || options.prefersHtml ? 'text/html; charset=utf-8' : 'application/problem+json'
  headers[3] = String(bytes.length)
  return { status, headers, body: bytes }
}

/**
 * The same as the bytes of a whole message, for a connection that has no `ServerResponse`.
 * @param options whether it says `Connection: close` (yes), and whether it goes without its body, being for HEAD (no)
 */
export function toMessage({ status, headers, body }: Answer, { closes = true, isForHead = false } = {}): Buffer {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, `Date: ${new Date().toUTCString()}`]
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`)
  if (closes) lines.push('Connection: close')
  lines.push('', '')
  const head = Buffer.from(lines.join('\r\n'), 'latin1')
  return isForHead ? head : Buffer.concat([head, body])
}

/** Whether `Accept` names HTML, and nothing for programs with more weight (RFC 9110 12.5.1). */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false
  let html = 0
  let json = 0
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.slice(2)) || 0
    if (type === 'text/html' || type === 'application/xhtml+xml') html = Math.max(html, quality)
    else if (type === 'application/json' || type === 'application/problem+json') json = Math.max(json, quality)
  }
  return html > 0 && html >= json
}

/** Whether a person looks at a page, so that a page that reloads itself is of use. */
export function isNavigation(method: string, headers: NodeJS.Dict<string | string[]>): boolean {
  if (method !== 'GET') return false
  const mode = headers['sec-fetch-mode']
  if (mode !== undefined) return mode === 'navigate'
  const { accept } = headers
  return typeof accept === 'string' && prefersHtml(accept)
}

function problem(status: number, title: string, code: string, requestId: string): string {
  return `${JSON.stringify({ type: 'about:blank', title, status, code, requestId })}\n`
}

function page(status: number, title: string, code: string, requestId: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${status} ${title}</title>
<style>
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:100vh;margin:0}
main{max-width:32rem;padding:2rem}h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:.25rem 0;opacity:.7}
</style>
<main><h1>${title}</h1><p>${status} ${code}</p><p>Request <code>${requestId}</code></p></main>
</html>
`
}
