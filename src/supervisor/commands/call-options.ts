import { CserviceError } from '../../common/errors.ts'

export type CallOptions = Readonly<Record<string, unknown>>

/** Milliseconds. */
const standardTimeout = 60_000

/**
 * The options behind the words of a command: an object, or a number for the timeout alone.
 * @returns null when it is neither
 */
export function readOptions(value: unknown): CallOptions | null {
  if (value === undefined || value === null) return {}
  if (typeof value === 'number') return { timeout: value }
  return typeof value === 'object' && !Array.isArray(value) ? (value as CallOptions) : null
}

/**
 * `timeout` in milliseconds; 0 means for ever, which is Infinity.
 * @throws CserviceError BAD_USAGE
 */
export function timeoutOf({ timeout }: CallOptions): number {
  if (timeout === undefined || timeout === null) return standardTimeout
  const milliseconds = typeof timeout === 'string' && timeout.trim() !== '' ? Number(timeout) : timeout
  if (typeof milliseconds !== 'number' || !(milliseconds >= 0)) {
    throw new CserviceError('BAD_USAGE', `timeout: found ${JSON.stringify(timeout)}, allowed: milliseconds, 0 for ever`)
  }
  return milliseconds === 0 ? Number.POSITIVE_INFINITY : milliseconds
}

/** @returns what a command throws for words that it does not understand */
export function invalidRequest(name: string): CserviceError {
  return new CserviceError('BAD_USAGE', `Invalid request. Try help ${name}`, { hint: `cservice help ${name}` })
}
