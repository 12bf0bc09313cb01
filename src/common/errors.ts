import { clientErrors } from './client-errors.ts'
import type { CatalogueEntry } from './error-entry.ts'
import { operatorErrors } from './operator-errors.ts'

/**
 * The one catalogue of errors. Each code has the HTTP status it is answered with, the exit code of a command that fails
 * with it, a title that never changes, and a hint: what the reader can do about it. `docs/errors.md` is held against this
 * table by a test, both ways.
 */
const catalogue = { ...clientErrors, ...operatorErrors } as const

export type ErrorCode = keyof typeof catalogue

/** An error as it crosses a process boundary or stands in a JSON answer. */
export interface ErrorData {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly details?: unknown
}

/** By a global symbol, because a process may hold several copies of this package: a program's own, and that of what it uses. */
const brand = Symbol.for('cservice.error')

/**
 * An error of the catalogue. `message` says what happened in this one case; `details` is JSON-safe and for operators,
 * never for an anonymous client.
 */
export class CserviceError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly details: unknown

  constructor(code: ErrorCode, message?: string, options: { cause?: unknown; details?: unknown; hint?: string } = {}) {
    super(message ?? catalogue[code].title, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'CserviceError'
    this.code = code
    this.hint = options.hint ?? catalogue[code].hint
    this.details = options.details
  }

  /** Errors of another copy of this package are instances, too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: it is the class that is asked about, which may be one below this
    if (this !== CserviceError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && brand in value
  }

  get [brand](): true {
    return true
  }

  get status(): number {
    return catalogue[this.code].status
  }

  get exitCode(): number {
    return catalogue[this.code].exitCode
  }

  toJSON(): ErrorData {
    const data = { code: this.code, message: this.message, hint: this.hint }
    return this.details === undefined ? data : { ...data, details: this.details }
  }
}

/** Every code with its entry, in the order of the catalogue: for the documentation and its test. */
export function errorCatalogue(): ReadonlyArray<readonly [ErrorCode, CatalogueEntry]> {
  return Object.entries(catalogue) as Array<[ErrorCode, CatalogueEntry]>
}

export function describeError(code: ErrorCode): CatalogueEntry {
  return catalogue[code]
}

/** Whatever was thrown, as an error of the catalogue; what is not one of ours becomes INTERNAL with its message kept. */
export function toCserviceError(thrown: unknown): CserviceError {
  if (thrown instanceof CserviceError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new CserviceError('INTERNAL', message, { cause: thrown })
}

/** The error that came over a process boundary, as an error again. An unknown code becomes INTERNAL. */
export function fromErrorData(data: {
  code?: string
  message?: string
  hint?: string
  details?: unknown
}): CserviceError {
  const code: ErrorCode =
    data.code !== undefined && Object.hasOwn(catalogue, data.code) ? (data.code as ErrorCode) : 'INTERNAL'
  return new CserviceError(code, data.message, { details: data.details, ...(data.hint ? { hint: data.hint } : {}) })
}
