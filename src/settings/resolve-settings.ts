import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { CserviceError } from '../common/errors.ts'
import { findModule, findPath } from '../common/find-file.ts'
import { readLimits } from '../supervisor/plain/make-entry.ts'
import { type Identity, resolveIdentity } from '../supervisor/plain/run-as.ts'
import type { CheckedOptions } from './schema.ts'
import type { ServiceSettings } from './service-settings.ts'
import { Sources } from './sources.ts'
import { makeEntries } from './worker-entries.ts'

/** Options of a service by their names (LEGACY 1.2), as a command line or a program gives them. */
export type GivenOptions = Readonly<Record<string, unknown>>

export interface ResolvedSettings {
  readonly settings: ServiceSettings
  /** What whoever wrote the options may want to know, a line each. */
  readonly warnings: readonly string[]
}

/** Where a service is, and what opens it. */
export type ServiceAddress = Pick<ServiceSettings, 'port' | 'host' | 'accessKey' | 'ssl'>

/**
 * Puts the options of a service together: what is given, over the file that its `config` names, over the defaults; checks
 * them, and finds the files that they name. Relative paths are relative to `cwd`; one in the file that is not there may
 * also be relative to the file.
 * @param presets defaults of the caller
 * @throws CserviceError BAD_USAGE: something given is wrong; CONFIG_NOT_FOUND, CONFIG_INVALID: something in the file is;
 * WORKER_NOT_FOUND, UNKNOWN_USER
 */
export async function resolveSettings(
  given: GivenOptions,
  cwd: string = process.cwd(),
  presets: { readonly cli?: boolean } = {},
): Promise<ResolvedSettings> {
  const sources = await Sources.read(given, cwd)
  const { options } = sources
  const runAs = await resolveRunAs(options)
  const workerDefaults = {
    cwd,
    count: options.workerCount ?? availableParallelism(),
    isImmune: false,
    args: options.args ?? [],
    env: {},
    ...(await resolveIdentity(options.workerUid ?? null, options.workerGid ?? null)),
    limits: readLimits(options, { memory: null, upTime: null, unresponsive: null }),
    restartDelay: options.restartDelayMs ?? 100,
    isSilent: options.silent ?? false,
  }
  const { entries, warnings } = await makeEntries(options.workers ?? null, workerDefaults, sources.of('workers'))
  refuseOthers(runAs, [workerDefaults, ...entries])
  const settings: ServiceSettings = {
    ...toAddress(options, sources.of('ssl').folders),
    allowHttpGet: options.allowHttpGet ?? false,
    cli: options.cli ?? presets.cli ?? false,
    workers: entries,
    workerDefaults,
    restartConcurrencyRatio: options.restartConcurrencyRatio ?? 0.33,
    commands: toList(options.commands).map((path) => findPath(path, sources.of('commands').folders)),
    master: options.master ? findMaster(options.master, sources.of('master').folders) : null,
    runAs,
    proxy: options.proxy ? findPath(options.proxy, sources.of('proxy').folders) : null,
  }
  return { settings, warnings: [...sources.warnings, ...warnings] }
}

/**
 * The part of the settings that leads to a service which runs, out of the same sources.
 * @throws CserviceError BAD_USAGE, CONFIG_NOT_FOUND, CONFIG_INVALID
 */
export async function resolveAddress(given: GivenOptions, cwd: string = process.cwd()): Promise<ServiceAddress> {
  const sources = await Sources.read(given, cwd)
  return toAddress(sources.options, sources.of('ssl').folders)
}

/**
 * The control port of a service, and whom it becomes.
 * @throws CserviceError BAD_USAGE, CONFIG_NOT_FOUND, CONFIG_INVALID, UNKNOWN_USER
 */
export async function resolvePlace(given: GivenOptions): Promise<Pick<ServiceSettings, 'port' | 'runAs'>> {
  const { options } = await Sources.read(given, process.cwd())
  return { port: toAddress(options, []).port, runAs: await resolveRunAs(options) }
}

async function resolveRunAs({ user, group }: CheckedOptions): Promise<Identity | null> {
  if (user === undefined || user === null) {
    if (group === undefined || group === null) return null
    throw new CserviceError('BAD_USAGE', 'group is for a service that becomes another user: name the user as well')
  }
  const { uid, gid } = await resolveIdentity(user, group ?? null)
  const isUs = uid === process.geteuid?.() && gid === process.getegid?.()
  return uid === null || gid === null || isUs ? null : { uid, gid }
}

/** Who has given up root cannot start workers of others. */
function refuseOthers(
  runAs: Identity | null,
  workers: ReadonlyArray<{ uid: number | null; gid: number | null }>,
): void {
  if (
    runAs === null ||
    !workers.some(({ uid, gid }) => (uid ?? runAs.uid) !== runAs.uid || (gid ?? runAs.gid) !== runAs.gid)
  )
    return
  throw new CserviceError(
    'BAD_USAGE',
    'A service with user gives up root, and cannot run workers as another user or group',
    {
      hint: 'Leave workerUid and workerGid away, or user and group.',
    },
  )
}

function toAddress({ port, host, accessKey, ssl }: CheckedOptions, folders: readonly string[]): ServiceAddress {
  return {
    port: port ?? 11987,
    host: host ?? 'localhost',
    accessKey: accessKey?.toString() ?? null,
    ssl: ssl ? findFilesOfTls(ssl, folders) : null,
  }
}

const filesOfTls = ['key', 'cert', 'ca', 'pfx', 'pem']

/** What lies beside the configuration file alone by its absolute path; all else is for whoever reads the files. */
function findFilesOfTls(ssl: Readonly<Record<string, unknown>>, folders: readonly string[]): Record<string, unknown> {
  const find = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(find)
    if (typeof value !== 'string' || value === '' || value.includes('-----BEGIN')) return value
    const path = findPath(value, folders)
    return path === resolve(folders[0] ?? '.', value) ? value : path
  }
  return Object.fromEntries(
    Object.entries(ssl).map(([name, value]) => [name, filesOfTls.includes(name) ? find(value) : value]),
  )
}

function toList(commands: CheckedOptions['commands']): readonly string[] {
  const paths = typeof commands === 'string' ? commands.split(',') : (commands ?? [])
  return paths.map((path) => path.trim()).filter((path) => path !== '')
}

function findMaster(path: string, folders: readonly string[]): string {
  const file = findModule(path, folders)
  if (file !== null) return file
  throw new CserviceError('BAD_USAGE', `There is no file ${resolve(folders[0] ?? '.', path)}: option 'master'`)
}
