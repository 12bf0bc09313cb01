/** What an error says whoever meets it, and how it is answered. */
export interface CatalogueEntry {
  /** Status of the answer where this reaches an HTTP client. */
  readonly status: number
  /** Exit code of the command line (CONTRACT: 0 done, 1 failed, 2 wrong usage, 3 no gateway answers, 4 not authorised). */
  readonly exitCode: 1 | 2 | 3 | 4
  readonly title: string
  readonly hint: string
}

export function entry(
  status: number,
  exitCode: CatalogueEntry['exitCode'],
  title: string,
  hint: string,
): CatalogueEntry {
  return { status, exitCode, title, hint }
}
