import { basename } from 'node:path'

/** Something wrong at one place of a configuration file. Never holds a secret: such a value is only named by its type. */
export interface ConfigProblem {
  /** `bindings[0].port`; empty: the file as a whole. */
  readonly path: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** `"80x"`, or a description such as `an unknown key`. */
  readonly found: string
  readonly allowed: string
  /** The whole of it in one line: `proxy.json:12:5 bindings[0].port: found "80x", allowed: a whole number from 1 to 65535`. */
  readonly message: string
}

/** A path inside the file, as an array of keys and indexes. */
export type ConfigPath = ReadonlyArray<string | number>

/** Puts the parts of a problem together and writes its `message`. */
export function describeProblem(file: string, problem: Omit<ConfigProblem, 'message'>): ConfigProblem {
  const place = `${basename(file)}:${problem.line}:${problem.column}`
  const path = problem.path === '' ? '' : ` ${problem.path}`
  return { ...problem, message: `${place}${path}: found ${problem.found}, allowed: ${problem.allowed}` }
}

/** `['bindings', 0, 'port']` as `bindings[0].port`. */
export function formatPath(path: ConfigPath): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[A-Za-z_$][\w$-]*$/.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${shortened(JSON.stringify(part))}]`
  }
  return text
}

/** Keys at or below which secrets stand. */
const secretKeys: ReadonlySet<string | number> = new Set(['tlsOptions', 'ssl', 'accessKey', 'previewKey'])

/** A value of the file, short enough for a message. Nothing that may be a secret is shown. */
export function describeValue(value: unknown, path: ConfigPath): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'an object'
  if (path.some((part) => secretKeys.has(part))) return value === '' ? 'an empty string' : `a ${typeof value}`
  return shortened(JSON.stringify(value) ?? String(value))
}

function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}
