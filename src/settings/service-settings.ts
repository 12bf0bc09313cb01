import type { Identity } from '../supervisor/plain/run-as.ts'
import type { WorkerEntry } from '../supervisor/plain/worker-entry.ts'

/**
 * Everything that can be set for a service (LEGACY 1.2), checked and filled in, whether it came from the command line, a
 * configuration file or a program. Paths are absolute.
 */
export interface ServiceSettings {
  /** The control port, by which this service is told from others on the machine. */
  readonly port: number
  readonly host: string
  /** Opens REST on host:port. */
  readonly accessKey: string | null
  /** Makes REST speak HTTPS: options of `tls.createServer`, in which `key`, `cert`, `ca`, `pfx` may be file names. */
  readonly ssl: Readonly<Record<string, unknown>> | null
  /** Whether REST answers to every method, not to POST alone. */
  readonly allowHttpGet: boolean
  /** Whether there is a console on the terminal. */
  readonly cli: boolean
  readonly workers: readonly WorkerEntry[]
  /** What an entry without values of its own gets: also one that comes later, by a command. */
  readonly workerDefaults: Omit<WorkerEntry, 'name' | 'file'>
  /** Which share of the workers a restart or upgrade replaces at a time, beside one: 1 + floor(workers × ratio). */
  readonly restartConcurrencyRatio: number
  /** Directories with commands of the user. */
  readonly commands: readonly string[]
  /** A module that is loaded into this process when the first workers are ready. */
  readonly master: string | null
  /** A proxy.json, whose proxy is started before the workers. */
  readonly proxy: string | null
  /** Whom this process becomes once it has what only root may take; null: it stays who it is. */
  readonly runAs: Identity | null
}
