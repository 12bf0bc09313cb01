import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Target } from '../../src/proxy/routing/route-table.ts'
import { piecesOf, writePieces } from './pieces.ts'
import { parseRequest, type SeenRequest } from './strict-request.ts'
import { answerOf, evil, type Twist, thenEnd, twisted } from './worker-answers.ts'

/** How long a hostile worker keeps a connection that nobody uses. */
const hostileIdleMs = 150

/** What the requests of one client are to be answered with: soundly, or each with the next twist. */
export interface Script {
  readonly seen: SeenRequest[]
  readonly twists: readonly Twist[]
}

/** A worker that reads strictly, keeps what it has seen by client, and answers by that client's script. */
export class FuzzWorker {
  /** Whatever it could not read, or should never have got. */
  readonly faults: string[] = []
  readonly #scripts = new Map<string, Script>()
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => this.#onConnection(socket))
  requests = 0

  async listen(id: string): Promise<Target> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return { id, host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** @param host what the client calls itself by */
  begin(host: string, script: Script): void {
    this.#scripts.set(host, script)
  }

  end(host: string): void {
    this.#scripts.delete(host)
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket)
    let unread = ''
    let timer: NodeJS.Timeout | undefined
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => {
      clearTimeout(timer)
      this.#sockets.delete(socket)
    })
    socket.on('data', (chunk) => {
      unread += chunk.toString('latin1')
      clearTimeout(timer)
      for (;;) {
        const parsed = parseRequest(unread)
        if (parsed === null) return
        if (typeof parsed === 'string') {
          this.#fault(socket, parsed)
          return
        }
        unread = unread.slice(parsed.size)
        if (!this.#take(parsed.request, socket)) timer = setTimeout(() => socket.end(), hostileIdleMs)
      }
    })
  }

  /** @returns whether it was answered soundly */
  #take(request: SeenRequest, socket: Socket): boolean {
    this.requests++
    // What the gateway has not made itself is a request within a request.
    for (const own of ['x-forwarded-for: 127.0.0.1', 'forwarded: for=127.0.0.1;']) {
      const name = own.slice(0, own.indexOf(':') + 1)
      const fields = request.fields.filter((field) => field.startsWith(name))
      if (fields.length !== 1 || !fields[0]?.startsWith(own))
        this.#fault(socket, `not ours: ${JSON.stringify(request)}`)
    }
    const host = request.fields.find((field) => field.startsWith('host: '))?.slice(6) ?? ''
    const script = this.#scripts.get(host)
    script?.seen.push(request)
    const twist = script?.twists[(script.seen.length - 1) % script.twists.length]
    if (twist === undefined) {
      const answer = answerOf(request)
      if (answer.endsWith(thenEnd)) socket.end(answer.slice(0, -thenEnd.length), 'latin1')
      else socket.write(answer, 'latin1')
      return true
    }
    // An edit must not make one client of another.
    const bytes = twisted(answerOf({ ...request, fields: ['host: h0000'] }), twist).replaceAll('h0000', host)
    // What comes behind the end of an answer, once the next request is on its way, is an answer to that: nobody can tell. So what
    // is edited travels whole, and what follows does so where the answer itself has warned of it.
    const isEdited = twist.edits.length > 0
    const pieces = isEdited ? [bytes] : piecesOf(bytes, twist.where)
    if (twist.isFollowed && !isEdited && statesAbsentBody(request, bytes)) pieces.push(evil.replaceAll('h0000', host))
    void writePieces(socket, pieces).then(() => {
      if (twist.ending === 'end') socket.end()
      else if (twist.ending === 'reset') socket.resetAndDestroy()
    })
    return false
  }

  #fault(socket: Socket, fault: string): void {
    this.faults.push(fault)
    socket.destroy()
  }
}

function statesAbsentBody({ line }: SeenRequest, answer: string): boolean {
  const isStated = /^(content-length: [1-9]|transfer-encoding:)/im.test(answer)
  return isStated && (line.startsWith('HEAD ') || answer.startsWith('HTTP/1.1 304 '))
}
