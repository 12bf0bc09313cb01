import type { SelectableRequest } from '../routing/selection.ts'
import { headerValues } from './end-to-end-headers.ts'

/** A request head whose header lines are names and values in turn. */
export interface RequestLines extends Pick<SelectableRequest, 'method' | 'target' | 'host'> {
  readonly lines: readonly string[]
}

/** What of a request may decide on its version, where its header lines are given one by one. */
export class SelectableLines implements SelectableRequest {
  readonly versionHeaders: readonly string[]
  readonly method: string
  readonly target: string
  readonly host: string
  readonly #lines: readonly string[]
  readonly #address: () => string

  /** @param address asked only if somebody wants to know */
  constructor({ method, target, host, lines }: RequestLines, versionHeader: string, address: () => string) {
    this.#lines = lines
    this.#address = address
    this.versionHeaders = headerValues(lines, versionHeader)
    this.method = method
    this.target = target
    this.host = host
  }

  get address(): string {
    return this.#address()
  }

  header(name: string): string[] {
    return headerValues(this.#lines, name)
  }
}
