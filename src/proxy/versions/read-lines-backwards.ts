import { type FileHandle, open } from 'node:fs/promises'

const blockSize = 64 * 1024
/** Longer lines are passed over: nobody of ours writes such, and they would have to be held in memory. */
const longestLine = 1024 * 1024
const lineFeed = 0x0a

/**
 * The lines of a file in UTF-8, last first, without their line feeds and without empty ones. What follows the last line feed is a
 * line as well. Holds one block and one line in memory, whatever the size of the file.
 * @throws the error of the system when the file cannot be opened or read
 */
export async function* readLinesBackwards(file: string, block = blockSize): AsyncGenerator<string> {
  const handle = await open(file, 'r')
  try {
    const tail = new Tail()
    for (let end = (await handle.stat()).size; end > 0; end -= block) {
      const start = Math.max(0, end - block)
      const bytes = await readAt(handle, start, end - start)
      let rest = bytes
      for (let at = rest.lastIndexOf(lineFeed); at !== -1; at = rest.lastIndexOf(lineFeed)) {
        const line = tail.take(rest.subarray(at + 1))
        if (line !== '') yield line
        rest = rest.subarray(0, at)
      }
      tail.prepend(rest)
    }
    const first = tail.take(Buffer.alloc(0))
    if (first !== '') yield first
  } finally {
    await handle.close()
  }
}

/** What has been read of a line whose beginning is still to come. */
class Tail {
  #pieces: Buffer[] = []
  #length = 0

  prepend(piece: Buffer): void {
    this.#length += piece.length
    if (this.#length > longestLine) this.#pieces = []
    else this.#pieces.unshift(piece)
  }

  /** The line that begins with this; empty if it was too long. */
  take(beginning: Buffer): string {
    this.prepend(beginning)
    const line = this.#length > longestLine ? '' : Buffer.concat(this.#pieces).toString('utf8')
    this.#pieces = []
    this.#length = 0
    return line
  }
}

/** Fewer bytes where the file has become shorter meanwhile. */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
