import { lstat, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CserviceError, toCserviceError } from '../../common/errors.ts'
import { faultPoint } from '../../common/fault-point.ts'
import type { Log } from '../../common/log.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { ProxyConfig } from '../config/proxy-config.ts'
import { type Catalog, findWorkerFile } from '../versions/catalog.ts'
import type { Journal } from '../versions/journal.ts'
import type { PortLeases } from '../versions/port-leases.ts'
import { abortable } from './abortable.ts'
import type { DeployOrder } from './deploy-order.ts'
import { runInstallStep } from './install-step.ts'
import { refused, toDiskError } from './refusal.ts'
import { findReleaseName } from './release-name.ts'
import { openStaging, type Staging } from './staging.ts'
import { syncPath, syncTree } from './sync-tree.ts'
import { tryRelease } from './trial.ts'
import type { Unpacked } from './unpack.ts'

/** What a deploy needs from the gateway. */
export interface DeployParts {
  readonly supervisor: Supervisor
  readonly leases: PortLeases
  readonly journal: Journal
  readonly log: Log
  config(): ProxyConfig
  catalog(): Catalog
  /** Names that deploys under way have taken. */
  readonly taken: Set<string>
}

export interface DeployContext {
  /** Who asked, for the journal. */
  readonly by: string
  readonly signal: AbortSignal
  report(progress: string): void
}

/** What has come in, or, for a dry run, would have. */
export interface Deployed {
  readonly version: string
  readonly files: number
  readonly bytes: number
  /** Of the archive as it came, in hex. */
  readonly sha256: string
  /** Where the install step has left what it said; null: there is none. */
  readonly installLog: string | null
}

/** One release on its way in: unpacked, checked, installed and tried in a staging folder, made durable, put in its place. */
export class Deploy {
  readonly #parts: DeployParts
  readonly #order: DeployOrder
  readonly #context: DeployContext
  /** As it was at the beginning: a change in the middle is for the next one. */
  readonly #config: ProxyConfig
  readonly #began = performance.now()
  /** As soon as it is known. */
  #name: string | null = null
  /** The name is ours, until the end. */
  #isTaken = false

  constructor(parts: DeployParts, order: DeployOrder, context: DeployContext) {
    this.#parts = parts
    this.#order = order
    this.#context = context
    this.#config = parts.config()
  }

  /** Does it, whole or not at all, and writes that down. @throws CserviceError as `Releases.deploy` */
  async run(source: AsyncIterable<Uint8Array>): Promise<Deployed> {
    const { isDryRun } = this.#order
    try {
      const deployed = await this.#bringIn(source)
      if (!isDryRun) await this.#record({ result: 'done' }, deployed)
      return deployed
    } catch (thrown) {
      const isCalledOff = this.#context.signal.aborted && !(thrown instanceof CserviceError)
      const error = isCalledOff
        ? new CserviceError('CANCELLED', 'The service stopped during the deploy')
        : toCserviceError(thrown)
      if (!isDryRun) await this.#record({ result: 'failed', error: error.message })
      throw error
    } finally {
      if (this.#isTaken && this.#name !== null) this.#parts.taken.delete(this.#name)
    }
  }

  async #bringIn(source: AsyncIterable<Uint8Array>): Promise<Deployed> {
    const { log } = this.#parts
    const { versionPath } = this.#config
    this.#context.signal.throwIfAborted()
    if (this.#order.as !== null) await this.#takeName(this.#order.as)
    const staging = await openStaging(versionPath, log)
    try {
      faultPoint('deploy:staged')
      const unpacked = await this.#unpack(source, staging)
      faultPoint('deploy:unpacked')
      const { name, folder } = await this.#settleName(unpacked, staging)
      await this.#checkWorkerFile(folder, unpacked)
      const installLog = this.#order.isDryRun ? null : await this.#makeReady(name, folder, staging)
      if (!this.#order.isDryRun) await this.#putInPlace(name, folder)
      const { files, bytes, sha256 } = unpacked
      return { version: name, files, bytes, sha256, installLog }
    } finally {
      await staging.remove()
    }
  }

  async #unpack(source: AsyncIterable<Uint8Array>, staging: Staging): Promise<Unpacked> {
    const { release } = this.#config
    const { signal } = this.#context
    const tree = join(staging.path, 'tree')
    await mkdir(tree, { mode: 0o755 })
    this.#context.report('unpacking')
    const { unpack } = await import('./unpack.ts') // loads tar, which few need
    const limits = { maxSize: release.maxReleaseSize, maxFiles: release.maxReleaseFiles }
    return await unpack(abortable(source, signal), tree, { limits, sha256: this.#order.sha256, signal })
  }

  /** From now on the folder is called like the version. */
  async #settleName({ prefix }: Unpacked, staging: Staging): Promise<{ name: string; folder: string }> {
    const tree = join(staging.path, 'tree', prefix)
    const name = this.#order.as ?? (await findReleaseName(tree, this.#order.source))
    if (this.#name === null) await this.#takeName(name)
    // A folder of its own, since a version may be called like anything that lies there.
    const folder = join(staging.path, 'version', name)
    await mkdir(dirname(folder))
    await rename(tree, folder)
    return { name, folder }
  }

  async #takeName(name: string): Promise<void> {
    this.#name = name
    if (this.#parts.taken.has(name)) throw new CserviceError('VERSION_EXISTS', `${name} is being deployed already`)
    this.#parts.taken.add(name)
    this.#isTaken = true
    await this.#refuseExisting(name)
  }

  async #refuseExisting(name: string): Promise<void> {
    const place = join(this.#config.versionPath, name)
    const there = await lstat(place).catch(() => null)
    if (there !== null) throw new CserviceError('VERSION_EXISTS', `There is a version ${name} already: ${place}`)
  }

  async #checkWorkerFile(folder: string, { prefix }: Unpacked): Promise<void> {
    const { workerFilename } = this.#config
    if ((await findWorkerFile(folder, workerFilename)) !== null) return
    if (this.#config.release.install !== null) return // it may make the file
    throw noWorkerFile(workerFilename, prefix)
  }

  /** @returns the log of the install step, if there is one */
  async #makeReady(name: string, folder: string, staging: Staging): Promise<string | null> {
    const { signal, report } = this.#context
    const installLog = await this.#install(name, folder)
    faultPoint('deploy:installed')
    if ((await findWorkerFile(folder, this.#config.workerFilename)) === null)
      throw noWorkerFile(this.#config.workerFilename, '')
    report(`starting ${name} on trial`)
    await tryRelease(
      { name, folder: dirname(folder), config: this.#config, signal },
      this.#parts.supervisor,
      this.#parts.leases,
    )
    faultPoint('deploy:tried')
    report('making it durable')
    await syncTree(folder).catch((error: unknown) => {
      throw toDiskError(error, `${staging.path} could not be made durable`)
    })
    faultPoint('deploy:durable')
    return installLog
  }

  async #install(name: string, folder: string): Promise<string | null> {
    const { install: command, installTimeout } = this.#config.release
    if (command === null) return null
    this.#context.report(`installing (${command})`)
    const time = new Date().toISOString().replace(/[:.]/g, '-')
    const logFile = join(dirname(this.#config.file), '.cservice', 'logs', `install-${name}-${time}.log`)
    const env = { CSERVICE_VERSION: name }
    await runInstallStep({
      command,
      cwd: folder,
      env,
      logFile,
      timeoutMs: installTimeout * 1_000,
      signal: this.#context.signal,
    })
    return logFile
  }

  /** The one step that makes it a version. */
  async #putInPlace(name: string, folder: string): Promise<void> {
    const { versionPath } = this.#config
    this.#context.signal.throwIfAborted()
    await this.#refuseExisting(name)
    try {
      await rename(folder, join(versionPath, name))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR')
        throw new CserviceError('VERSION_EXISTS', `Somebody has put a version ${name} there meanwhile`)
      throw toDiskError(error, `${name} could not be put in its place`)
    }
    faultPoint('deploy:renamed')
    try {
      await syncPath(versionPath)
    } catch (error) {
      await rename(join(versionPath, name), folder) // what a crash may undo has not happened
      throw toDiskError(error, `${name} could not be put in its place`)
    }
    // Whoever asks for it looks anew; that this fails is no reason to take it out.
    await this.#parts
      .catalog()
      .rescan()
      .catch(() => {})
    this.#parts.log.info({ version: name }, `${name} is a version`)
  }

  async #record(end: { result: 'done' | 'failed'; error?: string }, deployed?: Deployed): Promise<void> {
    const { source, sha256: wanted } = this.#order
    await this.#parts.journal.append({
      action: 'deploy',
      version: deployed?.version ?? this.#name ?? '',
      by: this.#context.by,
      ...end,
      durationMs: Math.round(performance.now() - this.#began),
      details: {
        source,
        sha256: deployed?.sha256 ?? wanted,
        ...(deployed ? { files: deployed.files, bytes: deployed.bytes } : {}),
      },
    })
    faultPoint('deploy:recorded')
  }
}

function noWorkerFile(workerFilename: string, prefix: string): CserviceError {
  const inside = prefix === '' ? '' : ` in ${prefix}/`
  return refused(
    `it has no worker file ${workerFilename}${inside}`,
    null,
    'The worker file must lie at the top: tar czf app.tgz -C folder . ; or name it as workerFilename in proxy.json.',
  )
}
