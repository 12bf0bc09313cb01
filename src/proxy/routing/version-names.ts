import { looksLikeRange, VersionRanges } from './version-ranges.ts'

/** How many answers are kept. A client that thinks of ever new ranges pushes others out, and fills nothing. */
const mostAnswers = 256

/**
 * The names of all versions of the catalog, running or not. Lives until one comes or goes, through many route tables. Immutable, but
 * for the answers that it remembers.
 */
export class VersionNames {
  static readonly none = new VersionNames([])

  readonly #names: ReadonlySet<string>
  #ranges: VersionRanges | null = null
  #labels: ReadonlyMap<string, string | null> | null = null
  readonly #answers = new Map<string, string | null>()

  constructor(names: Iterable<string>) {
    this.#names = new Set(names)
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** Whether these are the names, and no others. */
  equals(names: ReadonlyMap<string, unknown>): boolean {
    if (names.size !== this.#names.size) return false
    for (const name of this.#names) if (!names.has(name)) return false
    return true
  }

  /** Those of them that fit. */
  where(fits: (name: string) => boolean): VersionNames {
    return new VersionNames([...this.#names].filter(fits))
  }

  /** The highest version in a range (version-ranges.ts), or null. Costs next to nothing where the text cannot be a range. */
  inRange(text: string): string | null {
    const known = this.#answers.get(text)
    if (known !== undefined) {
      // The last one that is forgotten is the one that is asked for most.
      this.#answers.delete(text)
      this.#answers.set(text, known)
      return known
    }
    if (!looksLikeRange(text)) return null
    this.#ranges ??= new VersionRanges(this.#names)
    // A copy: what was cut out of a request's head would keep all of the head in memory.
    const range = Buffer.from(text, 'latin1').toString('latin1')
    const answer = this.#ranges.highest(range)
    this.#remember(range, answer)
    return answer
  }

  /**
   * The version whose name is this label of a host name, see `hostLabel`; null: none, or several.
   * @param label lower case
   */
  byLabel(label: string): string | null {
    this.#labels ??= labelsOf(this.#names)
    return this.#labels.get(label) ?? null
  }

  #remember(range: string, answer: string | null): void {
    if (this.#answers.size >= mostAnswers) {
      for (const oldest of this.#answers.keys()) {
        this.#answers.delete(oldest)
        break
      }
    }
    this.#answers.set(range, answer)
  }
}

/** By label; null where two names share one. */
function labelsOf(names: Iterable<string>): Map<string, string | null> {
  const labels = new Map<string, string | null>()
  for (const name of names) {
    const label = hostLabel(name)
    labels.set(label, labels.has(label) ? null : name)
  }
  return labels
}

/** A name as a label of a DNS name can hold it: in lower case, with `-` for every `.` and `_`: v2.4.0 is v2-4-0. */
export function hostLabel(name: string): string {
  return name.toLowerCase().replace(/[._]/g, '-')
}
