import { readFile } from 'node:fs/promises'
import { describeProblem, formatPath } from '../../common/config/config-problem.ts'
import { readDocument } from '../../common/config/document.ts'
import { CserviceError } from '../../common/errors.ts'

/** Something about a binding's certificates that makes them unusable. Never holds what stands in a key. */
export interface TlsProblem {
  /** Below `tlsOptions`: `['cert', 1]`. Empty: `tlsOptions` itself. */
  readonly path: ReadonlyArray<string | number>
  readonly found: string
  readonly allowed: string
}

/** Why certificates cannot be used. */
export class TlsProblems extends Error {
  readonly problems: readonly TlsProblem[]

  constructor(problems: readonly TlsProblem[]) {
    super(problems.map(({ found }) => found).join('; '))
    this.problems = problems
  }
}

/** Problems of the binding with this index. */
export interface BindingProblems {
  readonly binding: number
  readonly problems: readonly TlsProblem[]
}

/**
 * The problems as one error of the catalogue, each with its line in proxy.json.
 * @param file proxy.json, which is read once more to find the lines
 */
export async function certificateError(file: string, found: readonly BindingProblems[]): Promise<CserviceError> {
  const document = readDocument(await readFile(file, 'utf8').catch(() => ''), file)
  const problems = found.flatMap(({ binding, problems: ofBinding }) =>
    ofBinding.map((problem) => {
      const path = ['bindings', binding, 'tlsOptions', ...problem.path]
      return describeProblem(file, { ...problem, path: formatPath(path), ...document.locate(path) })
    }),
  )
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const message = [`${file} has ${count} with certificates:`, ...problems.map((problem) => `  ${problem.message}`)]
  const details = {
    file,
    problems: problems.map(({ path, line, column, found: what, allowed }) => ({
      path,
      line,
      column,
      found: what,
      allowed,
    })),
  }
  return new CserviceError('CERTIFICATE_INVALID', message.join('\n'), { details })
}
