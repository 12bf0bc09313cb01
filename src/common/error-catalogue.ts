import { clientErrors } from './client-errors.ts'
import { operatorErrors } from './operator-errors.ts'

/**
 * The one catalogue of errors. Each code has the HTTP status it is answered with, the exit code of a command that fails
 * with it, a title that never changes, and a hint: what the reader can do about it. `docs/errors.md` is held against this
 * table by a test, both ways.
 */
export const catalogue = { ...clientErrors, ...operatorErrors } as const
