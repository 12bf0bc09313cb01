import type { Gateway } from './start-gateway.ts'

/** Words for `startGateway` after which `rest` is let in. */
export const restWords = ['--accessKey', 'test-key']

export interface RestError {
  readonly code: string
  readonly message: string
  readonly details?: unknown
}

/** The answer of a command over REST: nothing is spawned, so the moment of the answer is known. */
export async function rest<Answer>(gateway: Gateway, ...words: string[]): Promise<Answer | { error: RestError }> {
  const query = new URLSearchParams({ cmd: words.join(' ') })
  const res = await fetch(`http://localhost:${gateway.controlPort}/cli?${query}`, {
    method: 'POST',
    headers: { authorization: 'Bearer test-key', 'x-cservice': '1' },
  })
  const body = (await res.json()) as { result: Answer } | { error: RestError }
  return 'error' in body ? body : body.result
}

/** Why a command failed. @throws if it did not */
export async function failed(gateway: Gateway, ...words: string[]): Promise<RestError> {
  const answer = await rest<Record<string, unknown>>(gateway, ...words)
  if (!('error' in answer)) throw new Error(`${words.join(' ')} succeeded: ${JSON.stringify(answer)}`)
  return answer.error as RestError
}
