import type { ErrorCode } from '../common/errors.ts'

/** What all proxy processes have refused since the gateway started, by code. Owns the figures. */
export class RefusalTotals {
  readonly #counts = new Map<ErrorCode, number>()

  add(counts: ReadonlyArray<readonly [code: ErrorCode, count: number]>): void {
    for (const [code, count] of counts) this.#counts.set(code, (this.#counts.get(code) ?? 0) + count)
  }

  /** The most frequent first. */
  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([, one], [, other]) => other - one))
  }
}
