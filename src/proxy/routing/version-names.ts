/** The names of all versions of the catalog, running or not. Immutable: lives until one comes or goes, through many route tables. */
export class VersionNames {
  static readonly none = new VersionNames([])

  readonly #names: ReadonlySet<string>

  constructor(names: Iterable<string>) {
    this.#names = new Set(names)
  }

  /** The name of the version that a text means; null: none. */
  find(text: string): string | null {
    return this.#names.has(text) ? text : null
  }

  /** Whether these are the names, and no others. */
  equals(names: ReadonlyMap<string, unknown>): boolean {
    if (names.size !== this.#names.size) return false
    for (const name of this.#names) if (!names.has(name)) return false
    return true
  }
}
