import { deepStrictEqual as equal, match } from 'node:assert'
import fc from 'fast-check'
import type { Arena, Side } from './arena.ts'
import { cuts, soundStream } from './client-streams.ts'
import { nextHost, strangersIn } from './hosts.ts'
import { piecesOf, talk } from './pieces.ts'
import { twist } from './worker-answers.ts'

const patience = 12_000

export const hostileCase = fc.tuple(fc.tuple(soundStream, cuts), fc.array(twist, { minLength: 1, maxLength: 3 }))
type HostileCase = typeof hostileCase extends fc.Arbitrary<infer T> ? T : never

/** How the honest clients have fared. */
export const honest = { answered: 0, failed: 0 }

/**
 * A hostile client before hostile workers, and an honest client beside it and after it: whatever they send, nobody gets a byte of
 * what was meant for another one, no worker gets what no gateway has made, and every connection ends.
 */
export async function checkIsolation({ sides }: Arena, hostile: HostileCase): Promise<void> {
  await Promise.all(sides.map((side) => checkSide(side, hostile)))
}

async function checkSide(side: Side, [[{ bytes }, where], twists]: HostileCase): Promise<void> {
  const host = nextHost('h')
  for (const worker of side.workers) worker.begin(host, { seen: [], twists })
  const pieces = [...piecesOf(bytes.replaceAll('h0000', host), where), '\x01'.repeat(5_000)]
  const [{ text, hangs }] = await Promise.all([talk(side.port, pieces, patience), checkHonest(side)])
  await checkHonest(side)
  for (const worker of side.workers) worker.end(host)
  equal(hangs, false, `${side.name}: the connection hangs behind ${JSON.stringify(text.slice(-200))}`)
  equal(strangersIn(text, host), [], `${side.name}: ${JSON.stringify(text)}`)
  for (const worker of side.workers) equal(worker.faults.splice(0), [], side.name)
  equal(side.faults.splice(0), [], side.name)
}

async function checkHonest({ name, port }: Side): Promise<void> {
  const host = nextHost('v')
  const request = `GET /honest HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
  const { text, hangs } = await talk(port, [request], patience)
  equal(hangs, false, `${name}: an honest client hangs behind ${JSON.stringify(text)}`)
  equal(strangersIn(text, host), [], `${name}, an honest client: ${JSON.stringify(text)}`)
  if (text.startsWith('HTTP/1.1 200 ')) {
    honest.answered++
    match(text, new RegExp(`\\r\\n\\r\\n\\[host: ${host} GET /honest HTTP/1\\.1\\|0\\]$`), name)
  } else {
    honest.failed++
    match(text, /^HTTP\/1\.1 50[24] [^\n]*\r\n(?:[^\n]+\r\n)+\r\n\{"type".*"code":"TARGET_[A-Z_]+".*\}\n?$/, name)
  }
}
