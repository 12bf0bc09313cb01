import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import type { ByteAnswer } from './byte-answer.ts'

/**
 * An answer before it has a form. There are two: text for people and old scripts (LEGACY 3), and, for a client that sends
 * `x-cservice: 1`, JSON that leaves nothing to guess.
 */
export interface RestAnswer {
  /** Status and body of the form for people. */
  readonly status: number
  readonly text: string
  /** The same for our own client. */
  readonly error?: CserviceError
  readonly result?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export function refuse(
  status: number,
  text: string,
  error: CserviceError,
  headers?: Record<string, string>,
): RestAnswer {
  return { status, text, error, ...(headers ? { headers } : {}) }
}

/** The result of a command. */
export function succeed(result: unknown): RestAnswer {
  let text: string | undefined
  try {
    // JSON.stringify has no value for a function, for instance.
    text = JSON.stringify(result, withoutPrivateKeys)
  } catch (error) {
    // It says itself why it is none (`ByteAnswer`): that is no fault of ours.
    if (error instanceof CserviceError) return refuse(400, error.message, error)
    const failure = new CserviceError(
      'INTERNAL',
      `The result is no JSON: ${toCserviceError(error).message.split('\n')[0]}`,
    )
    return refuse(400, failure.message, failure)
  }
  return {
    status: 200,
    text: result ? (text ?? 'No data') : 'No data',
    result: text === undefined ? null : JSON.parse(text),
  }
}

/** Writes the whole answer; the caller ends it, and with it the connection: every client asks once. */
export function writeAnswer(res: ServerResponse, answer: RestAnswer, isNegotiated: boolean): void {
  const isJson = isNegotiated || (answer.error === undefined && answer.text !== 'No data')
  const body = isNegotiated ? negotiated(answer) : answer.text
  res.writeHead(isNegotiated && answer.error ? statusOf(answer) : answer.status, {
    'content-type': isNegotiated
      ? 'application/json; charset=utf-8'
      : isJson
        ? 'text/json; charset=UTF-8'
        : 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...answer.headers,
  })
  res.write(body)
}

/** Writes bytes as they are made. When they break off, so does the connection: half of them are not taken for all. */
export function writeBytes(res: ServerResponse, { fileName, type, bytes }: ByteAnswer): void {
  res.writeHead(200, {
    'content-type': type,
    'content-disposition': `attachment; filename="${fileName.replace(/[^A-Za-z0-9._-]/g, '_')}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  pipeline(Readable.from(bytes, { objectMode: false }), res).catch(() => res.destroy())
}

function negotiated({ error, result }: RestAnswer): string {
  if (error === undefined) return JSON.stringify({ result: result ?? null })
  try {
    return JSON.stringify({ error })
  } catch {
    return JSON.stringify({ error: { code: error.code, message: error.message, hint: error.hint } }) // details that are no JSON
  }
}

/** Old scripts get 400 for whatever a command throws; our own client gets what the catalogue says. */
function statusOf(answer: RestAnswer): number {
  return answer.status === 400 ? (answer.error?.status ?? 400) : answer.status
}

function withoutPrivateKeys(key: string, value: unknown): unknown {
  return key.startsWith('_') ? undefined : value
}
