import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { getNodeValue } from 'jsonc-parser'
import { CserviceError } from '../../common/errors.ts'
import { type ConfigPath, type ConfigProblem, describeProblem, describeValue, formatPath } from './config-problem.ts'
import { type ConfigDocument, readDocument } from './document.ts'
import { portConflicts } from './port-conflicts.ts'
import type { BindingConfig, ProxyConfig } from './proxy-config.ts'
import { configSchema, type ParsedConfig, tlsFileOptions } from './schema.ts'
import { unknownKeys } from './unknown-keys.ts'

/** A configuration, and what its author may want to know about the file. */
export interface LoadedConfig {
  readonly config: ProxyConfig
  /** Unknown keys. */
  readonly warnings: readonly ConfigProblem[]
}

/**
 * Reads and checks proxy.json.
 * @param file its path, relative to the working directory
 * @throws CserviceError CONFIG_NOT_FOUND: no such file, or it cannot be read; CONFIG_INVALID: as `parseConfig`
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  return parseConfig(await readConfigFile(file), file)
}

/**
 * The text of proxy.json, a byte-order mark included.
 * @throws CserviceError CONFIG_NOT_FOUND, or CONFIG_INVALID: not UTF-8
 */
export async function readConfigFile(file: string): Promise<string> {
  const path = resolve(file)
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new CserviceError('CONFIG_NOT_FOUND', unreadable(path, error), { cause: error, details: { file: path } })
  }
  try {
    // Bytes that are not UTF-8 would be lost for good when promote rewrites the file.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CserviceError('CONFIG_INVALID', `${path} is not UTF-8 text`, {
      cause: error,
      details: { file: path, problems: [] },
    })
  }
}

/**
 * Checks the text of a proxy.json. Pure but for the number of cores.
 * @param file its path: named in messages, and what relative paths are relative to
 * @throws CserviceError CONFIG_INVALID that lists every problem; `details` is `{ file, problems }`
 */
export function parseConfig(text: string, file: string): LoadedConfig {
  const path = resolve(file)
  const document = readDocument(text, path)
  if (document.root === undefined && document.problems.length === 0) {
    throw invalid(path, [problemAt(path, document, [], 'an empty file', 'an object: { … }')])
  }
  const raw: unknown = document.root === undefined ? undefined : getNodeValue(document.root)
  const parsed = configSchema.safeParse(raw)
  const problems = [...document.problems]
  // After a fault of the syntax, what could be read is no good witness of what was meant.
  if (problems.length === 0) problems.push(...wrongValues(raw, parsed.error?.issues ?? [], document, path))
  if (problems.length > 0 || !parsed.success) throw invalid(path, problems)
  const known = raw as Readonly<Record<string, unknown>>
  return { config: toConfig(parsed.data, known, path), warnings: unknownKeys(known, document, path) }
}

function unreadable(path: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return `There is no file ${path}`
  if (code === 'EISDIR') return `${path} is a folder: name the file in it, such as ${resolve(path, 'proxy.json')}`
  if (code === 'EACCES' || code === 'EPERM') return `This user may not read ${path}`
  return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`
}

function wrongValues(
  raw: unknown,
  issues: ReadonlyArray<{ path: PropertyKey[]; message: string }>,
  document: ConfigDocument,
  file: string,
): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>()
  const add = (path: ConfigPath, allowed: string, found = describeValue(valueAt(raw, path), path)): void => {
    const name = formatPath(path)
    // One value can fail several checks that all have the same thing to say.
    if (!problems.has(name)) problems.set(name, problemAt(file, document, path, found, allowed))
  }
  for (const issue of issues) {
    const path = issue.path as Array<string | number>
    add(path, `${issue.message}${isQuoted(valueAt(raw, path), issue.message) ? ', without quotes' : ''}`)
  }
  for (const conflict of portConflicts(raw)) add(conflict.path, conflict.allowed, conflict.found)
  return [...problems.values()].sort((a, b) => a.line - b.line || a.column - b.column)
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

function invalid(file: string, problems: readonly ConfigProblem[]): CserviceError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const message = [`${file} has ${count}:`, ...problems.map((problem) => `  ${problem.message}`)].join('\n')
  const details = {
    file,
    problems: problems.map(({ path, line, column, found, allowed }) => ({ path, line, column, found, allowed })),
  }
  return new CserviceError('CONFIG_INVALID', message, { details })
}

function toConfig(parsed: ParsedConfig, raw: Readonly<Record<string, unknown>>, file: string): ProxyConfig {
  const folder = dirname(file)
  const [min = 0, max = 0] = parsed.versionPorts.split('-').map(Number)
  // An empty list means the default binding, as it always has (LEGACY 7.1).
  const bindings = parsed.bindings.length > 0 ? parsed.bindings : configSchema.shape.bindings.parse(undefined)
  return {
    file,
    versionPath: resolve(folder, parsed.versionPath ?? '.'),
    defaultVersion: parsed.defaultVersion ?? null,
    versionHeader: parsed.versionHeader.toLowerCase(),
    servedVersionHeader: parsed.servedVersionHeader,
    workerFilename: parsed.workerFilename.replace(/^\.\//, ''),
    workerCount: parsed.workerCount ?? availableParallelism(),
    bindings: bindings.map((binding) => toBinding(binding, folder)),
    versionPorts: { min, max },
    nonDefaultWorkerCount: parsed.nonDefaultWorkerCount,
    nonDefaultWorkerIdleTime: parsed.nonDefaultWorkerIdleTime,
    maxRunningVersions: parsed.maxRunningVersions,
    startTimeout: parsed.startTimeout,
    gateTimeout: parsed.gateTimeout,
    gateLimit: parsed.gateLimit,
    answerTimeout: parsed.answerTimeout,
    drainTimeout: parsed.drainTimeout,
    stopTimeout: parsed.stopTimeout,
    trustProxy: parsed.trustProxy,
    accessLog: parsed.accessLog === null ? null : resolve(folder, parsed.accessLog),
    raw,
  }
}

function toBinding(binding: ParsedConfig['bindings'][number], folder: string): BindingConfig {
  return {
    port: binding.port,
    host: binding.host ?? null,
    workerCount: binding.workerCount,
    tlsOptions: binding.tlsOptions ? absoluteFileNames(binding.tlsOptions, folder) : null,
    redirect: binding.redirect ?? null,
  }
}

function absoluteFileNames(options: Readonly<Record<string, unknown>>, folder: string): Record<string, unknown> {
  const absolute: Record<string, unknown> = { ...options }
  for (const name of tlsFileOptions) {
    const value = options[name]
    if (typeof value === 'string') absolute[name] = resolve(folder, value)
    else if (Array.isArray(value)) absolute[name] = value.map((item) => resolve(folder, String(item)))
  }
  return absolute
}
