import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cuts, stream } from '../../../fuzz/client-streams.ts'
import { RawClient, startGateway } from '../harness.ts'
import { type SeenRequest, startRecordingWorker, thenEnd } from './recording-worker.ts'

/** What a worker answers, by path. The body says what the worker has seen, so that a mix-up shows. */
function answerOf({ line, body }: SeenRequest): string {
  const [method, path = ''] = line.split(' ')
  const text = `[${line}|${body.length}]`
  const whole = (...fields: string[]): string =>
    `HTTP/1.1 200 OK\r\n${[...fields, `Content-Length: ${text.length}`].join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : text}`
  if (path.startsWith('/chunked')) {
    const chunks = `1\r\n${text[0]}\r\n${(text.length - 1).toString(16)};x=y\r\n${text.slice(1)}\r\n0\r\nX-Sum: 1\r\n\r\n`
    return `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n${method === 'HEAD' ? '' : chunks}`
  }
  if (path.startsWith('/close')) return `HTTP/1.0 200 Fine\r\nX-A: 1\r\n\r\n${method === 'HEAD' ? '' : text}${thenEnd}`
  if (path.startsWith('/none')) return 'HTTP/1.1 204 None\r\nContent-Length: 0\r\nX-A: \xe4\r\n\r\n'
  if (path.startsWith('/same')) return 'HTTP/1.1 304 Same\r\nETag: "x"\r\nContent-Length: 10\r\n\r\n'
  if (path.startsWith('/early'))
    return `HTTP/1.1 103 Early\r\nLink: x\r\n\r\n${whole('Set-Cookie: a', 'set-cookie: b')}`
  if (path.startsWith('/hop')) return whole('Connection: X-Hop, keep-alive', 'X-Hop: 1', 'x-served-version: forged')
  if (path.startsWith('/bad')) return 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
  return whole('Keep-Alive: timeout=9', 'Date: today')
}

/** The answers as a client sees them, without what may differ: dates, ids, and what concerns the connection. */
function answersOf(text: string): string[] {
  if (text === '') return []
  return text.split(/(?=HTTP\/1\.1 \d{3} )/).map((answer) => {
    const end = answer.indexOf('\r\n\r\n')
    const [line = '', ...lines] = answer.slice(0, end).split('\r\n')
    const kept = lines
      .filter((field) => !/^(date|connection|keep-alive|x-request-id):/i.test(field))
      .map((field) => field.replace(/^(transfer-encoding|trailer|content-length)(?=:)/i, (name) => name.toLowerCase()))
      .sort()
    const isChunked = kept.some((field) => /^transfer-encoding:/.test(field))
    const body = answer.slice(end + 4).replace(/[0-9a-f]{24}|"mine"/, '')
    return [line, ...kept, '', isChunked ? merge(body) : body].join('\r\n')
  })
}

/** A chunked body with its chunks put together. */
function merge(body: string): string {
  let rest = body
  let whole = ''
  for (;;) {
    const match = /^([0-9a-f]+)\r\n/i.exec(rest)
    const size = Number.parseInt(match?.[1] ?? '', 16)
    if (match === null || size === 0) return `${whole}|${rest}`
    whole += rest.slice(match[0].length, match[0].length + size)
    rest = rest.slice(match[0].length + size + 2)
  }
}

/** One of the two is how the other begins. */
function expectBeginning<T>(one: readonly T[], other: readonly T[]): void {
  const length = Math.min(one.length, other.length)
  expect(one.slice(0, length)).toEqual(other.slice(0, length))
}

/** Each stream ends by itself, long before. */
const hangsAfterMs = 6_000
/** The lines that know `shouldUpgradeCallback` say nothing of an error in the body of a request with `Upgrade`, and read no further. */
const losesErrors = Number(process.versions.node.split('.')[0]) > 20

async function exchange(port: number, bytes: string, isSound: boolean, where: readonly number[]) {
  const client = new RawClient(port)
  let sent = 0
  for (const cut of [...where.map((position) => position % bytes.length).sort((a, b) => a - b), bytes.length]) {
    if (cut <= sent) continue
    client.socket.write(bytes.slice(sent, cut), 'latin1')
    sent = cut
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  // Whatever was left open is filled up, and then makes no sense: each stream ends by itself.
  if (!isSound) client.socket.write('\x01'.repeat(5_000))
  const isStuck = !isSound && losesErrors && /^(upgrade|http2-settings):/im.test(bytes)
  const deadline = setTimeout(() => client.socket.destroy(new Error('hangs')), isStuck ? 1_500 : hangsAfterMs)
  const text = await client.closed()
  clearTimeout(deadline)
  return { text, isStuck, hangs: !isStuck && client.error?.message === 'hangs' }
}

test('for any bytes, however they are cut, both lanes send the same to workers and to clients', {
  timeout: 300_000,
}, async () => {
  const settings = { headTimeout: 5_000 }
  const sides = await Promise.all(
    (['both', 'general'] as const).map(async (lanes) => {
      const workers = [await startRecordingWorker(answerOf), await startRecordingWorker(answerOf)]
      const [one, two] = workers.map(({ target }) => [target])
      return { workers, gateway: await startGateway({ v1: one ?? [], v2: two ?? [] }, settings, lanes) }
    }),
  )
  let runs = 0
  await fc.assert(
    fc.asyncProperty(stream, cuts, async ({ bytes, isSound }, where) => {
      // A late request of an earlier run must not be taken for one of this.
      const host = `h${String(++runs % 10_000).padStart(4, '0')}`
      const sent = bytes.replaceAll('h0000', host)
      const [fast, general] = await Promise.all(
        sides.map(async ({ workers, gateway }) => {
          const { text, isStuck, hangs } = await exchange(gateway.port, sent, isSound, where)
          expect(hangs, `${gateway === sides[0]?.gateway ? 'both lanes' : 'the general lane'} hang`).toBe(false)
          for (const { faults } of workers) expect(faults).toEqual([])
          const seen = workers.map(({ requests }) => requests.filter(({ fields }) => fields.includes(`host: ${host}`)))
          for (const { requests } of workers) requests.length = 0
          return { seen, isStuck, answers: answersOf(text) }
        }),
      )
      // A refusal closes the connection or not, as more or less of a body has come by then: chance, and up to `node:http`.
      const isRefused = (answer: string) => /^HTTP\/1.1 (4|501)/.test(answer)
      const isChance = fast?.isStuck || fast?.answers.some(isRefused)
      if (!isChance) {
        expect(fast?.seen).toEqual(general?.seen)
        expect(fast?.answers).toEqual(general?.answers)
      } else {
        const [ours, theirs] = [fast, general].map((side) => [...(side?.answers ?? []), 'HTTP/1.1 400'])
        const refused = Math.min(ours?.findIndex(isRefused) ?? 0, theirs?.findIndex(isRefused) ?? 0)
        expect(ours?.slice(0, refused)).toEqual(theirs?.slice(0, refused))
        for (const index of [0, 1]) expectBeginning(fast?.seen[index] ?? [], general?.seen[index] ?? [])
      }
    }),
    // Shrinking is bounded too, so that a failure prints its bytes and its seed in time.
    { numRuns: Number(process.env.LANE_RUNS ?? 200), interruptAfterTimeLimit: 120_000, ...seedGiven() },
  )
})

/** A new seed each time, printed with a failure; LANE_SEED gives that one again, and LANE_RUNS looks further. */
function seedGiven(): { seed?: number } {
  return process.env.LANE_SEED === undefined ? {} : { seed: Number(process.env.LANE_SEED) }
}
