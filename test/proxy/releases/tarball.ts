import { gzipSync } from 'node:zlib'
import { Header } from 'tar'

/** One header and its body, written as it is told to: nothing is checked. */
export interface RawEntry {
  readonly path: string
  /** The type flag: `0` file, `1` hard link, `2` symbolic link, `5` folder, `x` extended header … */
  readonly flag?: string
  readonly body?: string | Buffer
  readonly linkpath?: string
  readonly mode?: number
  readonly mtime?: Date
  /** What the header says, if it is not the length of the body. */
  readonly size?: number
  /** Changes the block when its checksum has been set. */
  readonly spoil?: (block: Buffer) => void
}

const zeros = Buffer.alloc(512)

/** A tar archive, with its end. */
export function tarball(...entries: RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(entryBytes), zeros, zeros])
}

export function tgz(...entries: RawEntry[]): Buffer {
  return gzipSync(tarball(...entries))
}

/** A header and its body, padded. */
export function entryBytes(entry: RawEntry): Buffer {
  const body = Buffer.from(entry.body ?? '')
  const block = Buffer.alloc(512)
  const header = new Header({ path: entry.path, mode: entry.mode ?? 0o644, uid: 1, gid: 1 })
  Object.assign(header, { size: entry.size ?? body.length, mtime: entry.mtime ?? new Date(1_600_000_000_000) })
  header.linkpath = entry.linkpath ?? ''
  header.encode(block, 0)
  block.write(entry.flag ?? '0', 156, 'latin1')
  checksum(block)
  entry.spoil?.(block)
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

/** Writes the checksum anew (POSIX ustar: the sum of all bytes, its own field taken for spaces). */
export function checksum(block: Buffer): void {
  block.write('        ', 148, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
}

/** An extended header with these records. */
export function pax(records: Readonly<Record<string, string>>, flag = 'x'): RawEntry {
  return { path: 'PaxHeader/x', flag, body: Object.entries(records).map(paxRecord).join('') }
}

function paxRecord([key, value]: [string, string]): string {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest) + 1
  while (length !== Buffer.byteLength(rest) + String(length).length) length++
  return `${length}${rest}`
}
