import type { SeenRequest } from '../../../fuzz/strict-request.ts'
import type { RecordingWorker } from '../fast/recording-worker.ts'
import type { Gateway } from '../harness.ts'
import { RawClient } from '../harness.ts'
import { head, type Outcome, type StrictCase } from './strict-case.ts'

/** How the bytes are cut on their way. */
export type Cut = 'whole' | 'pieces' | 'bytes'

/** What came of it. */
export interface Finding {
  readonly outcome: Outcome
  /** What is wrong beyond the outcome itself: must be empty. */
  readonly faults: readonly string[]
}

interface Answer {
  readonly status: number
  readonly closes: boolean
  readonly body: string
}

const after = head('GET /after HTTP/1.1', 'Connection: close')
const line = (path: string): RegExp => new RegExp(`^[^ ]+ ${path} `)

/** Answers with the body that it got, or with the request line; to be given to a recording worker. */
export function echo({ line, body }: SeenRequest): string {
  const text = body === '' ? line : body
  return `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${line.startsWith('HEAD ') ? '' : text}`
}

/**
 * Sends the bytes of a case on a connection of their own, and behind the first answer one more request, unless that answer
 * ends the connection: so it shows whether the gateway and its client still agree on where they are.
 */
export async function knock(
  { port }: Pick<Gateway, 'port'>,
  worker: RecordingWorker,
  { bytes, isCutOff = false, closes = false, body, leavesRubbish = false }: StrictCase,
  cut: Cut,
): Promise<Finding> {
  const before = { requests: worker.requests.length, faults: worker.faults.length }
  const client = new RawClient(port)
  client.socket.setNoDelay(true)
  await send(client, bytes, cut)
  if (isCutOff) client.socket.end()
  const isHead = bytes.startsWith('HEAD ')
  const first = await firstAnswer(client, isHead)
  const isOver = first === null || first.closes || isCutOff
  if (!isOver) client.socket.write(after)
  // Where the gateway has refused something, it reads on for a moment after its last word, for who has not read that yet.
  else if (first !== null && first.status >= 400) client.socket.end()
  await client.closed()
  const answers = readAnswers(client.text, isHead)
  const seen = worker.requests.slice(before.requests)
  const faults = worker.faults.slice(before.faults).map((fault) => `forwarded: ${fault}`)
  const expect = (claim: boolean, fault: string): void => {
    if (!claim) faults.push(`${fault}: ${JSON.stringify(client.text)}`)
  }

  expect(answers.length <= (isOver ? 1 : 2), 'more answers than requests')
  expect(
    seen.every(({ line }) => !line.includes('smuggled')),
    'a smuggled request',
  )
  expect(seen.length === answers.filter(({ status }) => status < 300).length, 'answers are not those of the worker')
  if (first !== null && first.status >= 400 && first.status !== 404) {
    expect(seen.length === (isOver ? 0 : 1), 'a refused request reached the worker')
  }
  if (first !== null && first.status < 300) {
    expect(first.closes === closes, closes ? 'the connection is kept' : 'the connection is closed')
    if (body !== undefined) expect(seen[0]?.body === body, `the worker saw ${JSON.stringify(seen[0]?.body)}`)
  }
  if (!isOver) {
    if (leavesRubbish) expect((answers[1]?.status ?? 400) >= 400, 'what follows the rubbish is answered')
    else
      expect(
        answers[1]?.status === 200 && seen.some((one) => line('/after').test(one.line)),
        'the next request is lost',
      )
  }
  return { outcome: first?.status ?? 'close', faults }
}

/** Whether others are served as before. */
export async function isUnharmed({ port }: Pick<Gateway, 'port'>): Promise<boolean> {
  const client = new RawClient(port).send(head('GET /honest HTTP/1.1', 'Connection: close'))
  return /^HTTP\/1\.1 200 .*\r\n\r\nGET \/honest HTTP\/1\.1$/s.test(await client.closed())
}

/**
 * Throws bytes at the gateway, with no thought of what they are; behind them a request that is the last, and what is none.
 * @returns all that comes back until the connection ends
 */
export async function throwAt({ port }: Pick<Gateway, 'port'>, bytes: string, cut: Cut): Promise<string> {
  const client = new RawClient(port)
  client.socket.setNoDelay(true)
  await send(client, bytes, cut)
  client.socket.write(`${head('GET /last HTTP/1.1', 'Connection: close')}${'\x01'.repeat(300)}`, 'latin1')
  // The gateway reads on after its last word; and who has said that more is to come than there is has to end it.
  const end = (): void => void client.socket.end()
  const timer = setTimeout(end, 400)
  const endOnLastWord = (): void => {
    if (/^connection: close\r$/im.test(client.text)) end()
  }
  client.socket.on('data', endOnLastWord)
  endOnLastWord()
  const text = await client.closed()
  clearTimeout(timer)
  return text
}

/** The statuses of the final answers, in order. */
export function statusesOf(text: string): number[] {
  return [...text.matchAll(/(?:^|\n|[^\r\n])HTTP\/1\.1 ([2-5]\d{2}) /g)].map(([, status]) => Number(status))
}

async function send({ socket }: RawClient, bytes: string, cut: Cut): Promise<void> {
  const size = { whole: bytes.length, pieces: Math.ceil(bytes.length / 7), bytes: 1 }[cut]
  for (let at = 0; at < bytes.length && socket.writable; at += size) {
    socket.write(bytes.slice(at, at + size), 'latin1')
    // The gateway runs in this process: it has had its turn before the next piece is sent.
    for (let turn = 0; cut !== 'whole' && turn < 2; turn++) await new Promise(setImmediate)
  }
}

/** The first final answer; null if the connection ends without one. */
async function firstAnswer(client: RawClient, isHead: boolean): Promise<Answer | null> {
  for (;;) {
    const [answer] = readAnswers(client.text, isHead)
    if (answer !== undefined) return answer
    if (client.isClosed) return null
    await new Promise<void>((resolve) => {
      client.socket.once('data', () => resolve())
      client.socket.once('close', () => resolve())
    })
  }
}

/** Final answers that are whole, as a strict client reads them. @throws Error if it cannot */
function readAnswers(text: string, isFirstForHead: boolean): Answer[] {
  const answers: Answer[] = []
  let rest = text
  for (;;) {
    const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[!-9;-~]+:[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n/.exec(rest)
    if (match === null) {
      if (/^.*\r\n.*\r\n\r\n/s.test(rest)) throw new Error(`no answer: ${JSON.stringify(rest)}`)
      return answers
    }
    const [{ length }, status, fields = ''] = match
    rest = rest.slice(length)
    if (Number(status) < 200) continue
    const hasNoBody = (isFirstForHead && answers.length === 0) || status === '204' || status === '304'
    const stated = Number(/^content-length: *(\d+)\r$/im.exec(fields)?.[1] ?? Number.NaN)
    if (!hasNoBody && Number.isNaN(stated)) throw new Error(`an answer without a length: ${JSON.stringify(text)}`)
    const size = hasNoBody ? 0 : stated
    if (rest.length < size) return answers
    if (!/^date: /im.test(fields)) throw new Error(`an answer without a date: ${JSON.stringify(text)}`)
    const closes = /^connection: *close\r$/im.test(fields)
    answers.push({ status: Number(status), closes, body: rest.slice(0, size) })
    rest = rest.slice(size)
  }
}
