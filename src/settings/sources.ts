import { dirname, resolve } from 'node:path'
import { CserviceError } from '../common/errors.ts'
import { type CheckedSource, checkFile, checkGiven } from './check-options.ts'
import type { CheckedOptions } from './schema.ts'

/** Where a value comes from. */
export interface Origin {
  /** What its relative paths may be relative to. */
  readonly folders: readonly string[]
  readonly file: string | null
  readonly document: CheckedSource['document']
}

/** What is given, over the file that its `config` names. */
export class Sources {
  readonly options: CheckedOptions
  readonly warnings: readonly string[]
  readonly #given: CheckedOptions
  readonly #cwd: string
  readonly #file: { readonly path: string; readonly source: CheckedSource } | null

  static async read(given: Readonly<Record<string, unknown>>, cwd: string): Promise<Sources> {
    const checked = checkGiven(given)
    const { config } = given
    if (config === undefined || config === null) return new Sources(checked, cwd, null)
    if (typeof config !== 'string' || config === '') {
      throw new CserviceError('BAD_USAGE', `Option 'config': allowed: the path of a file`)
    }
    const path = resolve(cwd, config)
    return new Sources(checked, cwd, { path, source: await checkFile(path) })
  }

  private constructor(given: CheckedSource, cwd: string, file: { path: string; source: CheckedSource } | null) {
    const own = withoutOldNames(given.options)
    const below = withoutOldNames(file?.source.options ?? {})
    this.#given = own.options
    this.#cwd = cwd
    this.#file = file
    this.options = { ...below.options, ...own.options }
    this.warnings = [...given.warnings, ...(file?.source.warnings ?? []), ...own.warnings, ...below.warnings]
  }

  of(name: keyof CheckedOptions): Origin {
    if (this.#file === null || this.#given[name] !== undefined) {
      return { folders: [this.#cwd], file: null, document: null }
    }
    const { path, source } = this.#file
    return { folders: [this.#cwd, dirname(path)], file: path, document: source.document }
  }
}

/** Options without those that are not given, and with the new names of old ones. */
function withoutOldNames(checked: CheckedOptions): { options: CheckedOptions; warnings: string[] } {
  const { worker, ...rest } = checked
  const warnings: string[] = []
  if (worker) {
    warnings.push('Option `worker` has been deprecated. Use `workers` instead.')
    rest.workers ??= worker
  }
  if (rest.restartsPerMinute !== undefined) {
    warnings.push(
      'Option `restartsPerMinute` means nothing: workers that exit again and again are started later and later.',
    )
  }
  return { options: Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)), warnings }
}
