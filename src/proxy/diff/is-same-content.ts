import { open } from 'node:fs/promises'

const blockSize = 64 * 1024

/** Whether two files have the same bytes. Holds a block of each in memory. @throws the error of the system */
export async function isSameContent(one: string, other: string): Promise<boolean> {
  const first = await open(one, 'r')
  try {
    const second = await open(other, 'r')
    try {
      const [a, b] = [Buffer.allocUnsafe(blockSize), Buffer.allocUnsafe(blockSize)]
      for (let position = 0; ; position += blockSize) {
        const [read, alsoRead] = await Promise.all([
          first.read(a, 0, blockSize, position),
          second.read(b, 0, blockSize, position),
        ])
        if (read.bytesRead !== alsoRead.bytesRead) return false
        if (!a.subarray(0, read.bytesRead).equals(b.subarray(0, read.bytesRead))) return false
        if (read.bytesRead < blockSize) return true
      }
    } finally {
      await second.close()
    }
  } finally {
    await first.close()
  }
}
