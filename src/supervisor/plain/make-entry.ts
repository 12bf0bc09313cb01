import { resolve } from 'node:path'
import { CserviceError } from '../../common/errors.ts'
import { findFolder, findModule } from '../../common/find-file.ts'
import { resolveIdentity } from './run-as.ts'
import type { RecycleLimits, WorkerEntry } from './worker-entry.ts'

/** What an entry is made of. */
export interface EntryRequest {
  readonly name: string
  /** Path of the worker: as it is, or with .js, .mjs, .cjs or .ts behind it. */
  readonly path: string
  /** As a person or a program gives them; what is not one of `entryOptionNames` becomes a variable of the environment. */
  readonly options?: Readonly<Record<string, unknown>>
  /** What holds where the options say nothing: for an upgrade, the entry that is replaced. */
  readonly defaults: Omit<WorkerEntry, 'name' | 'file'>
  /** What relative paths are relative to: the first folder that has it. The working directory, if not given. */
  readonly folders?: readonly string[]
}

/** Options that mean something to the service, and so are no variables of the environment. */
export const entryOptionNames = [
  'worker',
  'cwd',
  'count',
  'restart',
  'restartOnMemUsage',
  'restartOnUpTime',
  'restartOnUnresponsive',
  'restartDelayMs',
  'workerUid',
  'workerGid',
  'args',
  'silent',
  'timeout',
  'type',
] as const

export const largestCount = 1024
/** Milliseconds: longest wait that a timer of Node can hold, rounded down. */
export const longestDelay = 2_000_000_000
/** Seconds that `restartOnUnresponsive: true` stands for. */
const standardUnresponsive = 30

/**
 * Makes the entry of a worker out of a path and options: for `workers`, for `start` and `upgrade`, for `newWorker`. `null`
 * for an option is as if it were not given; for a variable of the environment, it takes the default away.
 * @throws CserviceError WORKER_NOT_FOUND; BAD_USAGE: an option is wrong, or `cwd` is no folder; UNKNOWN_USER
 */
export async function makeEntry({ name, path, options = {}, defaults, folders }: EntryRequest): Promise<WorkerEntry> {
  const bases = folders ?? [process.cwd()]
  const read = new OptionReader(options)
  return {
    name,
    file: findWorker(path, bases),
    cwd: readFolder(read.text('cwd', 'the path of a folder'), bases) ?? defaults.cwd,
    count: read.number('count', 1, largestCount, true) ?? defaults.count,
    isImmune: isGiven(options.restart) ? !read.flag('restart') : defaults.isImmune,
    args: read.texts('args') ?? defaults.args,
    env: mergeEnvironment(defaults.env, options),
    ...(await readIdentity(read, defaults)),
    limits: readLimits(options, defaults.limits),
    restartDelay: read.number('restartDelayMs', 0, longestDelay) ?? defaults.restartDelay,
    isSilent: read.flag('silent') ?? defaults.isSilent,
  }
}

/** The limits among options, which are given in the words of the configuration; 0 and false mean never. */
export function readLimits(options: Readonly<Record<string, unknown>>, defaults: RecycleLimits): RecycleLimits {
  const read = new OptionReader(options)
  const limit = (name: string, standard: number | null) => {
    if (options[name] === false) return null
    const value = read.number(name, 0, Number.MAX_SAFE_INTEGER)
    return value === 0 ? null : (value ?? standard)
  }
  return {
    memory: limit('restartOnMemUsage', defaults.memory),
    upTime: limit('restartOnUpTime', defaults.upTime),
    unresponsive:
      options.restartOnUnresponsive === true
        ? standardUnresponsive
        : limit('restartOnUnresponsive', defaults.unresponsive),
  }
}

function findWorker(path: string, folders: readonly string[]): string {
  if (typeof path !== 'string' || path === '') throw wrong('worker', path, 'the path of a file')
  const file = findModule(path, folders)
  if (file !== null) return file
  const absolute = resolve(folders[0] ?? '.', path)
  throw new CserviceError('WORKER_NOT_FOUND', `Worker not found: '${absolute}'. Set 'workers' option to proper path.`)
}

function readFolder(path: string | undefined, folders: readonly string[]): string | undefined {
  if (path === undefined) return undefined
  const folder = findFolder(path, folders)
  if (folder !== null) return folder
  throw new CserviceError('BAD_USAGE', `There is no folder ${resolve(folders[0] ?? '.', path)}: option 'cwd'`)
}

/** A user of its own brings its own primary group. */
async function readIdentity(
  read: OptionReader,
  { uid, gid }: Pick<WorkerEntry, 'uid' | 'gid'>,
): Promise<Pick<WorkerEntry, 'uid' | 'gid'>> {
  const user = read.account('workerUid')
  const group = read.account('workerGid')
  if (user === undefined && group === undefined) return { uid, gid }
  return await resolveIdentity(user ?? uid, group ?? null)
}

function mergeEnvironment(
  defaults: Readonly<Record<string, string>>,
  options: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const known = new Set<string>(entryOptionNames)
  const variables = new Map(Object.entries(defaults))
  for (const [name, value] of Object.entries(options)) {
    if (known.has(name) || value === undefined) continue
    if (value === null) variables.delete(name)
    else variables.set(name, toVariable(name, value))
  }
  return Object.fromEntries(variables)
}

function toVariable(name: string, value: unknown): string {
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) {
    throw new CserviceError(
      'BAD_USAGE',
      `${JSON.stringify(name)} is neither an option of a worker nor a name for a variable of its environment`,
      {
        hint: `Options are ${entryOptionNames.join(', ')}; a variable has letters, digits and _ in its name, and starts with no digit.`,
      },
    )
  }
  const text = typeof value === 'object' ? toJson(value) : String(value)
  if (text === null || typeof value === 'function' || typeof value === 'symbol' || text.includes('\0')) {
    // What was found may be a secret.
    throw new CserviceError('BAD_USAGE', `Variable '${name}': allowed are text without NUL, a number, JSON`)
  }
  return text
}

/** Null for what has no JSON: something that contains itself. */
function toJson(value: unknown): string | null {
  try {
    return JSON.stringify(value)
  } catch {
    return null
  }
}

/** Takes options one by one; what is null or not there is undefined, and what is wrong is an error that says what is allowed. */
class OptionReader {
  readonly #options: Readonly<Record<string, unknown>>

  constructor(options: Readonly<Record<string, unknown>>) {
    this.#options = options
  }

  text(name: string, allowed: string): string | undefined {
    return this.#take(name, allowed, (value) => typeof value === 'string' && value !== '')
  }

  /** Digits in quotation marks are a number as well: scripts have always written both. */
  number(name: string, minimum: number, maximum: number, isWhole = false): number | undefined {
    const allowed = `a ${isWhole ? 'whole ' : ''}number from ${minimum} to ${maximum}`
    const isAllowed = (value: unknown) => {
      const number = toNumber(value)
      return number !== null && number >= minimum && number <= maximum && (!isWhole || Number.isInteger(number))
    }
    return toNumber(this.#take(name, allowed, isAllowed)) ?? undefined
  }

  flag(name: string): boolean | undefined {
    return this.#take(name, 'true or false', (value) => typeof value === 'boolean')
  }

  texts(name: string): string[] | undefined {
    return this.#take(
      name,
      'a list of texts',
      (value) => Array.isArray(value) && value.every((item) => typeof item === 'string' && !item.includes('\0')),
    )
  }

  account(name: string): string | number | undefined {
    return this.#take(
      name,
      'a name or a number',
      (value) => (typeof value === 'string' && value !== '') || typeof value === 'number',
    )
  }

  #take<T>(name: string, allowed: string, isAllowed: (value: unknown) => boolean): T | undefined {
    const value = this.#options[name]
    if (!isGiven(value)) return undefined
    if (!isAllowed(value)) throw wrong(name, value, allowed)
    return value as T
  }
}

function toNumber(value: unknown): number | null {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : null
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function wrong(name: string, value: unknown, allowed: string): CserviceError {
  const found = (typeof value === 'object' ? (toJson(value) ?? 'an object') : String(value)).slice(0, 80)
  return new CserviceError(
    'BAD_USAGE',
    `Option '${name}': found ${typeof value === 'string' ? JSON.stringify(found) : found}, allowed: ${allowed}`,
  )
}
