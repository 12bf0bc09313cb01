import type { Socket } from 'node:net'
import { parseRequest, type SeenRequest } from '../../../fuzz/strict-request.ts'
import { thenEnd } from '../../../fuzz/worker-answers.ts'
import { startRawWorker, type Worker } from '../harness.ts'

export interface RecordingWorker extends Worker {
  readonly requests: SeenRequest[]
  /** Whatever a strict reader cannot read: must stay empty. */
  readonly faults: string[]
  /** Everything that came, connection by connection. */
  readonly streams: string[]
}

/** Reads requests with a parser of its own, which takes nothing but the plainest HTTP/1.1, and answers each one whole. */
export async function startRecordingWorker(answer: (request: SeenRequest) => string): Promise<RecordingWorker> {
  const requests: SeenRequest[] = []
  const faults: string[] = []
  const streams: string[] = []
  const worker = await startRawWorker((socket) => {
    const index = streams.push('') - 1
    let unread = ''
    socket.on('data', (chunk) => {
      streams[index] += chunk.toString('latin1')
      unread += chunk.toString('latin1')
      for (;;) {
        const parsed = parseRequest(unread)
        if (parsed === null) return
        if (typeof parsed === 'string') {
          faults.push(parsed)
          socket.destroy()
          return
        }
        unread = unread.slice(parsed.size)
        requests.push(parsed.request)
        send(socket, answer(parsed.request))
      }
    })
  })
  return { ...worker, requests, faults, streams }
}

function send(socket: Socket, answer: string): void {
  if (answer.endsWith(thenEnd)) socket.end(answer.slice(0, -thenEnd.length), 'latin1')
  else socket.write(answer, 'latin1')
}
