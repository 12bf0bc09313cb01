import { connect, type Socket } from 'node:net'

/** Positions in the bytes, modulo their length, as the pieces between them. */
export function piecesOf(bytes: string, where: readonly number[]): string[] {
  const pieces: string[] = []
  let from = 0
  const ends = where.map((position) => position % Math.max(1, bytes.length)).sort((one, other) => one - other)
  for (const end of [...ends, bytes.length]) {
    if (end <= from) continue
    pieces.push(bytes.slice(from, end))
    from = end
  }
  return pieces
}

/** Writes the pieces, a moment apart, so that most of them travel on their own. */
export async function writePieces(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    if (!socket.writable) return
    socket.write(piece, 'latin1')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Everything that a client got. */
export interface Received {
  readonly text: string
  /** Whether the connection was still open when the client lost patience. */
  readonly hangs: boolean
}

/** Sends the pieces, and resolves when the connection is closed. @param patience milliseconds */
export function talk(port: number, pieces: readonly string[], patience: number): Promise<Received> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1').setEncoding('latin1').setNoDelay(true)
    let text = ''
    let hangs = false
    const timer = setTimeout(() => {
      hangs = true
      socket.destroy()
    }, patience)
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => {
      clearTimeout(timer)
      resolve({ text, hangs })
    })
    void writePieces(socket, pieces)
  })
}
