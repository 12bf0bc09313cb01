import type { Callback } from './cservice.ts'

/**
 * Gives a promise its callback form: with a callback it is called exactly once, and nothing is returned. What the callback
 * throws is thrown out of everything, and is nobody's rejection.
 */
export function settle<Result>(
  promise: Promise<Result>,
  callback: Callback<Result> | undefined,
): Promise<Result> | undefined {
  if (callback === undefined) return promise
  promise.then(
    (result) => queueMicrotask(() => callback(null, result)),
    (error: unknown) => queueMicrotask(() => callback(error as Error)),
  )
  return undefined
}

/** The callback among the arguments of a call, which may stand before the end: `stop(cb)`. */
export function findCallback<Result>(...values: readonly unknown[]): Callback<Result> | undefined {
  return values.find((value): value is Callback<Result> => typeof value === 'function')
}
