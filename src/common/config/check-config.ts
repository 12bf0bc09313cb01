import { getNodeValue } from 'jsonc-parser'
import { CserviceError } from '../errors.ts'
import { type ConfigPath, type ConfigProblem, describeProblem, describeValue, formatPath } from './config-problem.ts'
import { type ConfigDocument, readDocument } from './document.ts'

/** A value that is not allowed: where it stands, what is allowed, and what was found if that is not simply the value. */
export interface WrongValue {
  readonly path: ConfigPath
  readonly allowed: string
  readonly found?: string
}

/** What a schema makes of a value, or what is wrong with it. */
export type Checked<T> = { readonly value: T } | { readonly wrong: readonly WrongValue[] }

export interface CheckedConfig<T> {
  readonly value: T
  /** As it stands in the file. */
  readonly raw: Readonly<Record<string, unknown>>
  readonly document: ConfigDocument
}

/**
 * Checks the text of a configuration file: JSON with comments and trailing commas. Pure.
 * @param file its absolute path, for messages
 * @param hint what to do about a problem
 * @throws CserviceError CONFIG_INVALID that lists every problem; `details` is `{ file, problems }`
 */
export function checkConfig<T>(
  text: string,
  file: string,
  check: (raw: unknown) => Checked<T>,
  hint?: string,
): CheckedConfig<T> {
  const document = readDocument(text, file)
  if (document.root === undefined && document.problems.length === 0) {
    throw invalid(file, [problemAt(file, document, [], 'an empty file', 'an object: { … }')], hint)
  }
  // After a fault of the syntax, what could be read is no good witness of what was meant.
  if (document.root === undefined || document.problems.length > 0) throw invalid(file, document.problems, hint)
  const raw: unknown = getNodeValue(document.root)
  const checked = check(raw)
  if ('value' in checked) return { value: checked.value, raw: raw as Readonly<Record<string, unknown>>, document }
  const problems = describeWrong(raw, checked.wrong).map(({ path, found, allowed }) =>
    problemAt(file, document, path, found, allowed),
  )
  throw invalid(
    file,
    problems.sort((a, b) => a.line - b.line || a.column - b.column),
    hint,
  )
}

/** Wrong values with what was found, one for each place: a value can fail several checks that have the same to say. */
export function describeWrong(raw: unknown, wrong: readonly WrongValue[]): Array<Required<WrongValue>> {
  const described = new Map<string, Required<WrongValue>>()
  for (const { path, allowed, found } of wrong) {
    const name = formatPath(path)
    if (described.has(name)) continue
    const value = valueAt(raw, path)
    const isOnlyQuoted = found === undefined && isQuoted(value, allowed)
    described.set(name, {
      path,
      found: found ?? describeValue(value, path),
      allowed: `${allowed}${isOnlyQuoted ? ', without quotes' : ''}`,
    })
  }
  return [...described.values()]
}

/** Whether only the quotes are wrong: `"80"`, `"true"`. */
function isQuoted(value: unknown, allowed: string): boolean {
  if (typeof value !== 'string') return false
  return /^a (whole )?number/.test(allowed)
    ? /^\d+(\.\d+)?$/.test(value)
    : allowed === 'true or false' && /^(true|false)$/.test(value)
}

function valueAt(raw: unknown, path: ConfigPath): unknown {
  let value = raw
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.getOwnPropertyDescriptor(value, part)?.value
  }
  return value
}

function problemAt(
  file: string,
  document: ConfigDocument,
  path: ConfigPath,
  found: string,
  allowed: string,
): ConfigProblem {
  return describeProblem(file, { path: formatPath(path), ...document.locate(path), found, allowed })
}

function invalid(file: string, problems: readonly ConfigProblem[], hint?: string): CserviceError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const message = [`${file} has ${count}:`, ...problems.map((problem) => `  ${problem.message}`)].join('\n')
  const details = {
    file,
    problems: problems.map(({ path, line, column, found, allowed }) => ({ path, line, column, found, allowed })),
  }
  return new CserviceError('CONFIG_INVALID', message, { details, ...(hint === undefined ? {} : { hint }) })
}
