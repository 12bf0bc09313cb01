import { CserviceError, type ErrorCode } from '../../common/errors.ts'

/** A request that the gateway answers itself, with what `code` stands for in the catalogue. */
export class Refusal extends CserviceError {
  /** Seconds until it is worth trying again, or null. */
  readonly retryAfter: number | null

  constructor(code: ErrorCode, options: { retryAfter?: number | null; cause?: unknown } = {}) {
    super(code, undefined, { cause: options.cause })
    this.name = 'Refusal'
    this.retryAfter = options.retryAfter ?? null
  }

  /** Where the end of the request is in doubt, so is everything behind it (RFC 9112 6.1). */
  get endsConnection(): boolean {
    return this.code === 'BAD_REQUEST' || this.code === 'NOT_IMPLEMENTED'
  }
}
