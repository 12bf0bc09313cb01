import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { getNodeValue } from 'jsonc-parser'
import type { z } from 'zod'
import { type Checked, checkConfig, type WrongValue } from '../../common/config/check-config.ts'
import type { ConfigPath, ConfigProblem } from '../../common/config/config-problem.ts'
import { readDocument } from '../../common/config/document.ts'
import { readConfigFile } from '../../common/config/read-config-file.ts'
import { accessOfConfig, keyFilesOf } from './access-of-config.ts'
import { expandRanges } from './address-ranges.ts'
import { tlsFileOptions } from './binding-schema.ts'
import { distrustedBindings } from './distrusted-bindings.ts'
import { portConflicts } from './port-conflicts.ts'
import type { AccessConfig, BindingConfig, ProxyConfig, RolloutConfig } from './proxy-config.ts'
import { redirectProblems } from './redirect-problems.ts'
import { toReleaseSettings } from './release-schema.ts'
import { configSchema, type ParsedConfig } from './schema.ts'
import { selectionOfConfig } from './selection-of-config.ts'
import { skewSchema } from './skew-schema.ts'
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
  return parseConfig(await readProxyConfig(file), file)
}

/**
 * The text of proxy.json, a byte-order mark included.
 * @throws CserviceError CONFIG_NOT_FOUND, or CONFIG_INVALID: not UTF-8
 */
export function readProxyConfig(file: string): Promise<string> {
  return readConfigFile(file, 'proxy.json')
}

/**
 * Checks the text of a proxy.json. Pure but for the number of cores, and files with keys of previews.
 * @param file its path: named in messages, and what relative paths are relative to
 * @throws CserviceError CONFIG_INVALID that lists every problem; `details` is `{ file, problems }`
 */
export function parseConfig(text: string, file: string): LoadedConfig {
  const path = resolve(file)
  const { value, raw, document } = checkConfig(text, path, (raw) => check(raw, dirname(path)))
  return { config: toConfig(value, raw, path), warnings: unknownKeys(raw, document, path) }
}

/** The files whose content is part of what the text says, also where that is refused. @param file as with `parseConfig` */
export function filesNamedIn(text: string, file: string): string[] {
  const { root } = readDocument(text, file)
  const raw: unknown = root && getNodeValue(root)
  return keyFilesOf((raw as { previewKey?: unknown } | null | undefined)?.previewKey, dirname(resolve(file)))
}

/** What the schema makes of the file, and what has been read of others that it names. */
interface Parsed {
  readonly parsed: ParsedConfig
  readonly access: AccessConfig
}

function check(raw: unknown, folder: string): Checked<Parsed> {
  const parsed = configSchema.safeParse(raw)
  const issues = parsed.error?.issues ?? []
  const wrong = [
    ...issues.flatMap(meant).map(({ path, message }) => ({ path: path as ConfigPath, allowed: message })),
    ...portConflicts(raw),
    ...distrustedBindings(raw),
    ...redirectProblems(raw),
    ...(parsed.success ? cookieConflicts(parsed.data) : []),
  ]
  if (!parsed.success || wrong.length > 0) return { wrong }
  const access = accessOfConfig(parsed.data, folder)
  return 'previews' in access ? { value: { parsed: parsed.data, access } } : { wrong: access }
}

/** Of a union, what that member has to say which looked into the value: `skew.maxAge` is wrong, and not all of `skew`. */
function meant(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const [inner, another] = issue.errors.filter((issues) => issues.every(({ path }) => path.length > 0))
  if (inner === undefined || another !== undefined) return [issue]
  return inner.map((one) => ({ ...one, path: [...issue.path, ...one.path] })).flatMap(meant)
}

function cookieConflicts({ skew, versionCookie }: ParsedConfig): WrongValue[] {
  const cookie = skewOf(skew)?.cookie
  if (cookie === undefined || cookie !== versionCookie) return []
  return [{ path: ['versionCookie'], allowed: 'the name of another cookie than that of skew' }]
}

function toConfig({ parsed, access }: Parsed, raw: Readonly<Record<string, unknown>>, file: string): ProxyConfig {
  const folder = dirname(file)
  const [min = 0, max = 0] = parsed.versionPorts.split('-').map(Number)
  // An empty list means the default binding, as it always has (LEGACY 7.1).
  const bindings = parsed.bindings.length > 0 ? parsed.bindings : configSchema.shape.bindings.parse(undefined)
  return {
    file,
    versionPath: resolve(folder, parsed.versionPath ?? '.'),
    defaultVersion: parsed.defaultVersion ?? null,
    versionHeader: parsed.versionHeader.toLowerCase(),
    selection: selectionOfConfig(parsed),
    access,
    servedVersionHeader: parsed.servedVersionHeader,
    workerFilename: parsed.workerFilename.replace(/^\.\//, ''),
    workerCount: parsed.workerCount ?? availableParallelism(),
    bindings: bindings.map((binding) => toBinding(binding, folder)),
    versionPorts: { min, max },
    nonDefaultWorkerCount: parsed.nonDefaultWorkerCount,
    nonDefaultWorkerIdleTime: parsed.nonDefaultWorkerIdleTime,
    maxRunningVersions: parsed.maxRunningVersions,
    keepWarm: parsed.keepWarm,
    retain: { count: parsed.retain?.count ?? null, days: parsed.retain?.days ?? null, keep: parsed.retain?.keep ?? [] },
    warmSpares: parsed.warmSpares,
    warmSpareMemory: parsed.warmSpareMemory,
    startTimeout: parsed.startTimeout,
    gateTimeout: parsed.gateTimeout,
    gateLimit: parsed.gateLimit,
    answerTimeout: parsed.answerTimeout,
    connectTimeout: parsed.connectTimeout,
    headTimeout: parsed.headTimeout,
    bodyTimeout: parsed.bodyTimeout,
    sendTimeout: parsed.sendTimeout,
    keepAliveTimeout: parsed.keepAliveTimeout,
    upgradeIdleTimeout: parsed.upgradeIdleTimeout,
    maxConnections: parsed.maxConnections,
    maxRequestsInFlight: parsed.maxRequestsInFlight,
    maxHeaderSize: parsed.maxHeaderSize,
    maxBodySize: parsed.maxBodySize,
    drainTimeout: parsed.drainTimeout,
    stopTimeout: parsed.stopTimeout,
    health: parsed.health ? { path: parsed.health.path, drainDelay: parsed.health.drainDelay } : null,
    skew: skewOf(parsed.skew),
    trustProxy: expandRanges(parsed.trustProxy),
    accessLog: parsed.accessLog === null ? null : resolve(folder, parsed.accessLog),
    rollout: parsed.rollout && toRollout(parsed.rollout),
    rolloutKey: parsed.rolloutKey,
    mirror: parsed.mirror && { version: parsed.mirror.version, share: parsed.mirror.share / 100 },
    release: toReleaseSettings(parsed),
    raw,
  }
}

function toRollout(parsed: NonNullable<ParsedConfig['rollout']>): RolloutConfig {
  const { version, steps, every, guard, workers, state, since, elapsed } = parsed
  // Whoever shortens the list by hand means its end.
  const step = Math.min(parsed.step, steps.length - 1)
  return {
    version,
    steps,
    every,
    guard,
    workers,
    step,
    state,
    since: since === null ? null : Date.parse(since),
    elapsed,
  }
}

function skewOf(skew: ParsedConfig['skew']): ProxyConfig['skew'] {
  if (skew === false) return null
  const { cookie, maxAge, versions } = skewSchema.parse(skew === true ? {} : skew)
  return { cookie, maxAge, versions }
}

function toBinding(binding: ParsedConfig['bindings'][number], folder: string): BindingConfig {
  return {
    port: binding.port,
    host: binding.host ?? null,
    workerCount: binding.workerCount,
    tlsOptions: binding.tlsOptions ? absoluteFileNames(binding.tlsOptions, folder) : null,
    // As it goes into a header: in ASCII.
    redirect: typeof binding.redirect === 'string' ? new URL(binding.redirect).href : (binding.redirect ?? null),
    proxyProtocol: binding.proxyProtocol,
    http2: binding.http2 ?? (binding.tlsOptions ?? null) !== null,
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
