import { withoutBlanks } from '../../routing/cookies.ts'
import type { SelectableRequest } from '../../routing/selection.ts'
import type { RequestHead } from './scan-request-head.ts'

const none: readonly string[] = []

/** What of a request may decide on its version, from a head that has been scanned. */
export class SelectableHead implements SelectableRequest {
  readonly #text: string
  readonly #head: RequestHead
  readonly #address: () => string

  /**
   * @param text the head, one character a byte
   * @param address asked only if somebody wants to know
   */
  constructor(text: string, head: RequestHead, address: () => string) {
    this.#text = text
    this.#head = head
    this.#address = address
  }

  get versionHeaders(): readonly string[] {
    const { start, versionStart, versionEnd } = this.#head
    return versionStart === -1 ? none : [this.#text.slice(versionStart - start, versionEnd - start)]
  }

  get method(): string {
    return this.#head.method
  }

  get target(): string {
    return targetOf(this.#text, this.#head)
  }

  get host(): string {
    const { start, hostStart, hostEnd } = this.#head
    return this.#text.slice(hostStart - start, hostEnd - start)
  }

  get address(): string {
    return this.#address()
  }

  header(name: string): string[] {
    const values: string[] = []
    const text = this.#text
    for (let at = text.indexOf('\n') + 1; at < text.length - 2; at = text.indexOf('\n', at) + 1) {
      const colon = at + name.length
      if (text[colon] !== ':' || text.slice(at, colon).toLowerCase() !== name) continue
      values.push(withoutBlanks(text.slice(colon + 1, text.indexOf('\r', colon))))
    }
    return values
  }
}

/** The request target. @param text the head, one character a byte */
export function targetOf(text: string, { start, method, targetEnd }: RequestHead): string {
  return text.slice(method.length + 1, targetEnd - start)
}
