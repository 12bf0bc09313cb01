/**
 * Where a key stands in a rollout, from 0 up to but not 1: the requests of a rollout with share s are those whose key stands
 * below s. The same key stands at the same place for as long as the rollout lasts, so that a client does not go back and
 * forth, and a larger share takes nobody out. The salt makes each rollout try another part of the clients. Pure.
 * @param key one character a byte, as header values come; of others the low byte counts
 * @param salt of the rollout: see `saltOf`
 */
export function placeOf(key: string, salt: number): number {
  return murmur3(key, salt) / 2 ** 32
}

/** The salt of the rollout of a version. */
export function saltOf(version: string): number {
  return murmur3(version, 0)
}

const c1 = 0xcc9e2d51
const c2 = 0x1b873593

/**
 * MurmurHash3_x86_32 by Austin Appleby, in the public domain (MurmurHash3.cpp of SMHasher). Node's own hashes make an object and cross
 * into C++ for each; this is some tens of nanoseconds.
 * @returns an unsigned 32-bit number
 */
export function murmur3(text: string, seed: number): number {
  const { length } = text
  const blocksEnd = length - (length & 3)
  let hash = seed | 0
  for (let at = 0; at < blocksEnd; at += 4) {
    hash ^= scramble(
      byte(text, at) | (byte(text, at + 1) << 8) | (byte(text, at + 2) << 16) | (byte(text, at + 3) << 24),
    )
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let at = length - 1; at >= blocksEnd; at--) rest = (rest << 8) | byte(text, at)
  if (blocksEnd < length) hash ^= scramble(rest)
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function byte(text: string, at: number): number {
  return text.charCodeAt(at) & 0xff
}

function scramble(block: number): number {
  const mixed = Math.imul(block, c1)
  return Math.imul((mixed << 15) | (mixed >>> 17), c2)
}
