import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import { join } from 'node:path'

/** What a program writes its output to, and we read it from. */
export interface OutputPipe {
  readonly reader: Socket
  readonly writer: Socket
}

export interface OutputPipes {
  readonly out: OutputPipe
  readonly err: OutputPipe
}

/**
 * Pipes for the output of a program that outlives its supervisor. Writing to a pipe that nobody reads ends most programs
 * (EPIPE, SIGPIPE), or a request of theirs at least; so these are made to be handed over with *both* their ends: the
 * program then holds a reader itself, and what it writes without a supervisor waits in the kernel's buffer.
 * Pairs of connected Unix sockets, since Node makes pipes only for itself.
 * @param directory one that only the owner can enter
 */
export async function openOutputPipes(directory: string): Promise<OutputPipes> {
  const [out, err] = await Promise.all([openPipe(directory), openPipe(directory)])
  return { out, err }
}

async function openPipe(directory: string): Promise<OutputPipe> {
  const server = net.createServer({ pauseOnConnect: true })
  const path = join(directory, `pipe-${randomBytes(6).toString('hex')}`)
  try {
    server.listen({ path })
    await once(server, 'listening')
    const writer = net.connect({ path })
    const [[reader]] = (await Promise.all([once(server, 'connection'), once(writer, 'connect')])) as [[Socket], []]
    for (const end of [reader, writer]) end.on('error', () => {}) // the exit of the program says why
    return { reader, writer }
  } finally {
    server.close() // removes the path; the connection stays
  }
}
