import { join } from 'node:path'
import type { Log } from '../common/log.ts'
import type { FoundProcess } from '../supervisor/found-process.ts'
import type { Launch } from '../supervisor/launch.ts'
import type { Pool } from '../supervisor/pool.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { ProxyConfig } from './config/proxy-config.ts'
import type { RoutePublisher } from './route-publisher.ts'
import { versionOf } from './tags.ts'
import type { PortLeases } from './versions/port-leases.ts'
import type { Versions } from './versions/versions.ts'
import type { Warm, WarmVersions } from './versions/warm-versions.ts'

export interface TakeOverParts {
  readonly supervisor: Supervisor
  readonly versions: Versions
  readonly publisher: RoutePublisher
  readonly warm: WarmVersions
  readonly leases: PortLeases
  config(): ProxyConfig
  /** Publishes the routes as they are now. */
  publish(): void
  readonly log: Log
}

const noteName = 'gateway'
/** Tables that may have been published after the last note. */
const epochMargin = 1_000

interface Note {
  readonly epoch: number
  readonly warm: Warm | null
}

export interface TakeOver {
  /** Workers that are there already. */
  readonly count: number
  /** Proxy processes are there, and follow the routes: from now on a worker can be drained. */
  finish(): void
}

/**
 * Takes the workers of versions over that go on since an earlier supervisor has died (docs/adr/0010), then publishes the first
 * routes, so that no table ever lacks a worker that serves; and has written down what the next gateway must know. None of
 * them may be stopped before `finish`: nobody would wait for the proxy processes that route to it.
 */
export async function takeOverVersions(parts: TakeOverParts): Promise<TakeOver> {
  const { supervisor, versions, publisher, warm, publish, log } = parts
  const { versionPath } = parts.config()
  const found = supervisor.inheritance.processes.filter((one) => {
    const version = versionOf(one)
    return version !== null && one.entry.cwd === join(versionPath, version)
  })
  const launches = await Promise.all(found.map((one) => launchOf(one, parts.leases)))
  const note = readNote(supervisor.inheritance.notes[noteName])
  if (note !== null) publisher.continueFrom(note.epoch + epochMargin)
  if (note?.warm) warm.restore(note.warm)
  supervisor.note(noteName, (): Note => ({ epoch: publisher.table.epoch, warm: warm.memory }))
  let finish = () => {}
  const served = new Promise<void>((resolve) => {
    finish = resolve
  })
  for (const [index, one] of found.entries()) {
    const launch = launches[index]
    const version = versions.get(versionOf(one) as string)
    if (launch) version.adopt((pool) => supervisor.adopt(pool, one, launch, served))
  }
  publish()
  if (found.length > 0) log.info({ workers: found.length }, 'workers of the last service go on; they are taken over')
  void served.then(() => renewPrograms(supervisor.pools, log))
  return { count: found.length, finish }
}

/**
 * Programs without our agent write to a pipe that nobody can read any more (docs/adr/0002), and would stand still when it is
 * full: each is followed by a new one, while the others serve.
 */
async function renewPrograms(pools: readonly Pool[], log: Log): Promise<void> {
  for (const pool of pools) {
    for (const worker of pool.readyWorkers.filter(({ kind, isAdopted }) => kind === 'program' && isAdopted)) {
      await pool.replace(worker, 'restart').catch((error: unknown) => {
        log.warn({ err: error, worker: worker.name, pid: worker.pid }, 'it is not replaced, and its output is not read')
      })
    }
  }
}

async function launchOf({ entry: { file, kind, cwd, port } }: FoundProcess, leases: PortLeases): Promise<Launch> {
  const common = { file, kind, cwd, env: {}, waitsFor: `listen on PROXY_PORT ${port}` }
  if (port === null) return common
  const { release } = await leases.leaseAgain(port)
  return { ...common, port, release }
}

function readNote(note: unknown): Note | null {
  const { epoch, warm } = (note ?? {}) as Partial<Note>
  if (typeof epoch !== 'number' || !Number.isSafeInteger(epoch)) return null
  const isWarm = typeof warm?.name === 'string' && typeof warm.since === 'number'
  return { epoch, warm: isWarm ? warm : null }
}
