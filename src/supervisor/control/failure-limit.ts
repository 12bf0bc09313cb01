import { isIPv6 } from 'node:net'

const windowMs = 60_000
const failuresInWindow = 10
/** So that an attacker with many addresses cannot fill our memory. */
const addressLimit = 10_000

/** Counts wrong access keys by address: ten in a minute, and the address has to wait until the minute is over. */
export class FailureLimit {
  readonly #failures = new Map<string, { since: number; count: number }>()

  /** Milliseconds until the address may try again; 0: now. */
  waitOf(address: string, now = Date.now()): number {
    const entry = this.#failures.get(networkOf(address))
    if (!entry || entry.count < failuresInWindow) return 0
    return Math.max(0, entry.since + windowMs - now)
  }

  record(address: string, now = Date.now()): void {
    const network = networkOf(address)
    const entry = this.#failures.get(network)
    if (entry && now - entry.since < windowMs) {
      entry.count++
      return
    }
    this.#failures.delete(network)
    const [oldest] = this.#failures.keys()
    if (this.#failures.size >= addressLimit && oldest !== undefined) this.#failures.delete(oldest)
    this.#failures.set(network, { since: now, count: 1 })
  }
}

/** Whoever has one IPv6 address has the 2^64 of its network: they count as one. */
function networkOf(address: string): string {
  const [plain = ''] = address.split('%')
  if (!isIPv6(plain) || plain.includes('.')) return address
  const [head = '', tail] = plain.split('::')
  const first = head === '' ? [] : head.split(':')
  if (tail === undefined) return first.slice(0, 4).join(':')
  const last = tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}
