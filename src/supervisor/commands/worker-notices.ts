import { basename } from 'node:path'
import type { Command, CommandContext } from '../control/command.ts'

/**
 * `workerStart` and `workerExit` (LEGACY 5.2): events that are commands. The service runs them, with the worker and the
 * reason, when a worker starts and when it has gone; a program listens by putting commands of its own in their place.
 */
export function workerStartCommand(): Command {
  return notice('workerStart', 'start')
}

export function workerExitCommand(): Command {
  return notice('workerExit', 'exited')
}

function notice(name: string, happened: string): Command {
  return {
    name,
    level: 'inproc',
    isVisible: false,
    help: { info: `Event: a worker has ${happened === 'start' ? 'started' : happened}.`, command: name },
    runsAtOnce: () => true,
    run: async ([worker, reason], { log }: CommandContext) => {
      log.info(`Worker ${describe(worker)} ${happened}, reason: ${String(reason ?? reasonOf(worker) ?? 'Unknown')}`)
    },
  }
}

interface KnownWorker {
  readonly pid?: unknown
  /** Path or name of what it runs. */
  readonly worker?: unknown
  readonly name?: unknown
  readonly reason?: unknown
  readonly cservice?: { readonly worker?: unknown; readonly reason?: unknown }
}

function describe(worker: unknown): string {
  const { pid, worker: file, name, cservice } = toKnown(worker)
  return `${basename(String(cservice?.worker ?? file ?? name ?? 'unknown'))}(${String(pid ?? 'unknown')})`
}

function reasonOf(worker: unknown): unknown {
  const { reason, cservice } = toKnown(worker)
  return cservice?.reason ?? reason
}

/** Whoever triggers the event may hand in anything. */
function toKnown(worker: unknown): KnownWorker {
  return typeof worker === 'object' && worker !== null ? worker : {}
}
