import { CserviceError, type ErrorCode } from '../../common/errors.ts'

/**
 * Where the end of the request is in doubt, so is everything behind it (RFC 9112 6.1); and whoever sends too much is to stop
 * (RFC 9110 15.5.14), however much of it has come by then.
 */
const endings: ReadonlySet<ErrorCode> = new Set(['BAD_REQUEST', 'NOT_IMPLEMENTED', 'REQUEST_TOO_LARGE'])

/** A request that the gateway answers itself, with what `code` stands for in the catalogue. */
export class Refusal extends CserviceError {
  /** Seconds until it is worth trying again, or null. */
  readonly retryAfter: number | null

  constructor(code: ErrorCode, options: { retryAfter?: number | null; cause?: unknown } = {}) {
    super(code, undefined, { cause: options.cause })
    this.name = 'Refusal'
    this.retryAfter = options.retryAfter ?? null
  }

  /** Whether the connection ends with the answer. */
  get endsConnection(): boolean {
    return endings.has(this.code)
  }
}
