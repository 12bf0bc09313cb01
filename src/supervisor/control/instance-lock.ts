import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTimeOf } from '../../common/channel-client.cts'
import type { Ward } from '../../common/channel-protocol.ts'
import { CserviceError } from '../../common/errors.ts'
import { isRunning } from '../../common/is-running.ts'

export interface InstanceLock {
  /** Whether the last service of this directory died without giving its lock back. */
  readonly wasStale: boolean
  release(): void
}

type Holder = Ward

/**
 * Makes this process the one service of a runtime directory.
 *
 * A lock is a file `lock.<n>` that names its holder; the highest number counts. Whoever finds a dead holder does not remove
 * its file and try again (two who do so at once remove each other's), but links `lock.<n+1>`, which only one can.
 * @throws CserviceError ALREADY_RUNNING
 */
export function takeInstanceLock(directory: string): InstanceLock {
  const draft = join(directory, `lock-draft.${process.pid}`)
  writeFileSync(draft, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) } satisfies Holder), {
    mode: 0o600,
  })
  try {
    for (;;) {
      const found = generations(directory)
      const highest = found.at(-1) ?? 0
      const holder = highest === 0 ? null : readHolder(directory, highest)
      if (holder && isRunning(holder)) throw alreadyRunning(holder)
      if (!link(draft, lockPath(directory, highest + 1))) continue // somebody was faster: look again
      // Our view may have been old: a later one may stand above us by now.
      if (generations(directory).at(-1) !== highest + 1) {
        remove(lockPath(directory, highest + 1))
        continue
      }
      for (const old of found) remove(lockPath(directory, old))
      return { wasStale: highest > 0, release: () => remove(lockPath(directory, highest + 1)) }
    }
  } finally {
    remove(draft)
  }
}

/** Numbers of the locks there, ascending. */
function generations(directory: string): number[] {
  return readdirSync(directory)
    .map((name) => Number(/^lock\.(\d+)$/.exec(name)?.[1] ?? 0))
    .filter((generation) => generation > 0)
    .sort((a, b) => a - b)
}

function lockPath(directory: string, generation: number): string {
  return join(directory, `lock.${generation}`)
}

/** A link appears with its content, so nobody ever reads half a lock. False when the name is taken. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readHolder(directory: string, generation: number): Holder | null {
  try {
    return JSON.parse(readFileSync(lockPath(directory, generation), 'utf8')) as Holder
  } catch {
    return null // given back in this moment, or the disk was full when it was written: nobody holds it
  }
}

function alreadyRunning(holder: Holder): CserviceError {
  return new CserviceError('ALREADY_RUNNING', `A service of this control port is already running (pid ${holder.pid})`, {
    details: { pid: holder.pid },
  })
}

function remove(path: string): void {
  rmSync(path, { force: true })
}
