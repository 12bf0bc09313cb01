import { z } from 'zod'

/**
 * Checks that the schemas of configuration files are made of. The message of each is the text "what is allowed": where the
 * value stands and what was found is put in front of it by check-config.ts.
 */

/** Longest wait that a timer of Node can hold, rounded down, in seconds. */
export const longestTime = 2_000_000

export function explained<T>(allowed: string, build: (error: string) => T): T {
  return build(allowed)
}

/** @param of what it counts, where one could take it for something else: `of bytes` */
export function wholeNumber(minimum: number, maximum: number, of?: 'of bytes' | 'of MiB') {
  return explained(`a whole number ${of === undefined ? '' : `${of} `}from ${minimum} to ${maximum}`, (error) =>
    z.number({ error }).int({ error }).min(minimum, { error }).max(maximum, { error }),
  )
}

export function seconds(minimum: number) {
  return explained(`a number of seconds from ${minimum} to ${longestTime}`, (error) =>
    z.number({ error }).min(minimum, { error }).max(longestTime, { error }),
  )
}

export function flag() {
  return z.boolean({ error: 'true or false' })
}

export function portNumber() {
  return wholeNumber(1, 65535)
}

export function hostName() {
  return explained('a host name or an address', (error) => z.string({ error }).regex(/^[A-Za-z0-9.:_%-]+$/, { error }))
}

export function text(allowed: string) {
  return explained(allowed, (error) => z.string({ error }).min(1, { error }))
}
