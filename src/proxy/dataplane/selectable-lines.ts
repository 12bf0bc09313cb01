import type { SelectableRequest } from '../routing/selection.ts'
import { headerValues } from './end-to-end-headers.ts'

/** What of a request may decide on its version, from its header lines: names and values in turn. */
export class SelectableLines implements SelectableRequest {
  readonly versionHeaders: readonly string[]
  readonly target: string
  readonly host: string
  readonly #lines: readonly string[]
  readonly #address: () => string

  /** @param address asked only if somebody wants to know */
  constructor(lines: readonly string[], versionHeader: string, target: string, host: string, address: () => string) {
    this.#lines = lines
    this.#address = address
    this.versionHeaders = headerValues(lines, versionHeader)
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
