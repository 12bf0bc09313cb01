import type { ErrorCode } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'

/** Counts are reported at most this often. */
const reportMs = 500
/** The same warning is written at most this often. */
const warnMs = 10_000

/** So many refusals of one code within that time are written as well, whatever they are for: one alone says nothing. */
const floodCount = 100

/** What an operator has to do something about: these go to the log as well, and what for. */
const warnings: Readonly<Partial<Record<ErrorCode, string>>> = {
  HTTP2_FLOOD: 'HTTP/2 connections were ended: floods of frames that serve nothing',
  HTTP2_RAPID_RESET: 'HTTP/2 connections were ended: one request after the other was reset',
  HTTP2_STALLED: 'HTTP/2 streams were reset: their clients took nothing of the answer',
  TOO_MANY_CONNECTIONS: 'maxConnections is reached: connections were refused',
  VERSION_BUSY: 'maxRequestsInFlight is reached: requests were refused',
  UNTRUSTED_PEER: 'connections to a binding with proxyProtocol, from peers that are not in trustProxy, were closed',
  BAD_PROXY_HEADER: 'connections that began with no PROXY protocol header, or with a wrong one, were closed',
}

/** Counts what this process refuses, by code of the catalogue, and reports it in batches. */
export class Refusals {
  readonly #report: (counts: ReadonlyArray<readonly [code: ErrorCode, count: number]>) => void
  readonly #log: Log
  readonly #counts = new Map<ErrorCode, number>()
  /** By code: when it was last written to the log, and how many have come since. */
  readonly #warned = new Map<ErrorCode, { at: number; since: number }>()
  /** By code: how many have come since `at`. */
  readonly #windows = new Map<ErrorCode, { at: number; count: number }>()
  #timer: NodeJS.Timeout | null = null

  constructor(report: (counts: ReadonlyArray<readonly [code: ErrorCode, count: number]>) => void, log: Log) {
    this.#report = report
    this.#log = log
  }

  /** One more. @param client whom the log is to name */
  count(code: ErrorCode, client?: string): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
    this.#timer ??= setTimeout(() => this.flush(), reportMs).unref()
    const warning = warnings[code]
    if (warning !== undefined) this.#warn(code, warning, client)
    else this.#watch(code, client)
  }

  /** Reports what has not been reported yet. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#counts.size === 0) return
    const counts = [...this.#counts]
    this.#counts.clear()
    this.#report(counts)
  }

  #warn(code: ErrorCode, warning: string, client: string | undefined): void {
    const now = Date.now()
    const last = this.#warned.get(code)
    if (last !== undefined && now - last.at < warnMs) {
      last.since++
      return
    }
    this.#log.warn({ code, count: (last?.since ?? 0) + 1, ...(client === undefined ? {} : { client }) }, warning)
    this.#warned.set(code, { at: now, since: 0 })
  }

  /** One line when there are many of them, and no other before `warnMs` are over. */
  #watch(code: ErrorCode, client: string | undefined): void {
    const now = Date.now()
    let window = this.#windows.get(code)
    if (window === undefined || now - window.at >= warnMs) {
      window = { at: now, count: 0 }
      this.#windows.set(code, window)
    }
    if (++window.count !== floodCount) return
    const last = client === undefined ? {} : { client }
    this.#log.warn({ code, count: floodCount, ...last }, 'many were refused: cservice proxy info counts them')
  }
}
