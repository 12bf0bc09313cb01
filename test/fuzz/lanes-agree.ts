import { deepStrictEqual as equal } from 'node:assert'
import fc from 'fast-check'
import type { Arena, Side } from './arena.ts'
import { cuts, stream } from './client-streams.ts'
import { answersOf } from './client-view.ts'
import { nextHost, strangersIn } from './hosts.ts'
import { piecesOf, talk } from './pieces.ts'
import type { SeenRequest } from './strict-request.ts'

/** Each stream ends by itself, long before. */
const patience = 10_000

export const clientCase = fc.tuple(stream, cuts)
type ClientCase = typeof clientCase extends fc.Arbitrary<infer T> ? T : never

interface Outcome {
  readonly seen: readonly SeenRequest[][]
  readonly answers: readonly string[]
}

/**
 * Sends the same bytes, cut the same way, through both lanes and through the general lane alone, before sound workers: which must
 * see the same, as must the clients.
 * @throws if they do not, if a connection hangs, or if a worker gets what no gateway has made
 */
export async function checkAgreement({ sides }: Arena, [{ bytes, isSound }, where]: ClientCase): Promise<void> {
  const host = nextHost('h')
  const pieces = piecesOf(bytes.replaceAll('h0000', host), where)
  // Whatever was left open is filled up, and then makes no sense: each stream ends by itself.
  if (!isSound) pieces.push('\x01'.repeat(5_000))
  const [fast, general] = await Promise.all(sides.map((side) => outcome(side, host, pieces)))
  if (fast === undefined || general === undefined) throw new Error('two sides are needed')
  if (!fast.answers.some(isRefusal)) {
    equal(fast, general)
    return
  }
  // A refusal closes the connection or not, as more or less of a body has come by then: chance, and up to `node:http`.
  const refused = Math.min(...[fast, general].map(({ answers }) => [...answers, 'HTTP/1.1 400'].findIndex(isRefusal)))
  equal(fast.answers.slice(0, refused), general.answers.slice(0, refused))
  for (const index of [0, 1]) {
    const length = Math.min(fast.seen[index]?.length ?? 0, general.seen[index]?.length ?? 0)
    equal(fast.seen[index]?.slice(0, length), general.seen[index]?.slice(0, length))
  }
}

async function outcome({ name, port, workers, faults }: Side, host: string, pieces: string[]): Promise<Outcome> {
  const seen = workers.map((worker) => {
    const requests: SeenRequest[] = []
    worker.begin(host, { seen: requests, twists: [] })
    return requests
  })
  const { text, hangs } = await talk(port, pieces, patience)
  for (const worker of workers) worker.end(host)
  equal(hangs, false, `${name}: the connection hangs behind ${JSON.stringify(text.slice(-200))}`)
  equal(strangersIn(text, host), [], `${name}: ${JSON.stringify(text)}`)
  for (const worker of workers) equal(worker.faults.splice(0), [], name)
  equal(faults.splice(0), [], name)
  return { seen, answers: answersOf(text) }
}

function isRefusal(answer: string): boolean {
  return /^HTTP\/1.1 (4|501)/.test(answer)
}
