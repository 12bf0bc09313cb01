/** How bad it is: `ok` and `note` need nothing done; a `problem` keeps something from working, now or at the next start. */
export type Severity = 'ok' | 'note' | 'warning' | 'problem'

/** What one check of `cservice doctor` has found. JSON-safe. */
export interface Finding {
  /** Which check it was: `ports`. */
  readonly check: string
  readonly severity: Severity
  /** A sentence. */
  readonly found: string
  /** What to do about it; null: nothing. */
  readonly advice: string | null
}

/** The findings of one check, by their severity. */
export class Findings {
  readonly #check: string
  readonly #found: Finding[] = []

  constructor(check: string) {
    this.#check = check
  }

  note(found: string, advice: string | null = null): void {
    this.#add('note', found, advice)
  }

  warning(found: string, advice: string): void {
    this.#add('warning', found, advice)
  }

  problem(found: string, advice: string): void {
    this.#add('problem', found, advice)
  }

  /** All of them. @param well what is said where nothing is wrong, before the notes */
  end(well: string): Finding[] {
    const isWell = this.#found.every(({ severity }) => severity === 'note')
    return isWell ? [{ check: this.#check, severity: 'ok', found: well, advice: null }, ...this.#found] : this.#found
  }

  #add(severity: Severity, found: string, advice: string | null): void {
    this.#found.push({ check: this.#check, severity, found, advice })
  }
}
