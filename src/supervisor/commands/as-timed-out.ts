import { CserviceError } from '../../common/errors.ts'

/** A worker that was not ready in time is said as it always was; what is known of it stands in the details. */
export function asTimedOut(error: unknown): unknown {
  if (!(error instanceof CserviceError) || error.code !== 'WORKER_FAILED') return error
  const exit = error.details as { exitCode?: unknown; signal?: unknown; pid?: unknown } | undefined
  const wasLate = exit?.pid != null && exit.exitCode === null && exit.signal === null
  if (!wasLate) return error
  return new CserviceError('TIMED_OUT', 'timed out', { cause: error, details: exit, hint: `${error.message}.` })
}
