import { expect } from 'vitest'
import { type BurstAnswer, burst } from './burst.ts'
import type { Load } from './load-generator.ts'
import { type VersionInfo, versionInfo } from './proxy-info.ts'
import type { Gateway } from './start-gateway.ts'

/** One GET on a connection of its own. @param version null: the live one */
export async function ask(gateway: Gateway, version: string | null): Promise<BurstAnswer> {
  const [answer] = await burst(`${gateway.url}/`, 1, version === null ? {} : { 'x-version': version })
  return answer as BurstAnswer
}

export function codeOf({ body }: BurstAnswer): unknown {
  return (JSON.parse(body) as { code?: unknown }).code
}

/** 503 with Retry-After, and nothing of the reason for whoever has no right to know it. */
export function expectRefused(answer: BurstAnswer, code: string): void {
  expect(answer.status).toBe(503)
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(Object.keys(JSON.parse(answer.body)).toSorted()).toEqual(['code', 'requestId', 'status', 'title', 'type'])
  expect(codeOf(answer)).toBe(code)
}

/** Why a version does not run, as the operator is told; null when all is well. */
export async function errorOf(gateway: Gateway, version: string): Promise<VersionInfo['error']> {
  return (await versionInfo(gateway, version)).error
}

/** The load on another version has lost nothing meanwhile, and did not wait for what was started beside it. */
export async function expectUndisturbed(load: Load): Promise<void> {
  await load.more(20)
  const { answers, failures } = await load.stop()
  expect(failures).toEqual([])
  expect(new Set(answers.map(({ version }) => version))).toEqual(new Set(['v1']))
  const waits = answers.map(({ startedAt, answeredAt }) => answeredAt - startedAt).toSorted((a, b) => a - b)
  expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(1_000)
  expect(waits.at(-1)).toBeLessThan(4_000)
}
