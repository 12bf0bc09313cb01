import type { CommandRegistry } from '../supervisor/control/command-registry.ts'
import type { WorkerEntry } from '../supervisor/plain/worker-entry.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'

/** A service as the library sees it (src/service.ts). */
export interface RunningService {
  readonly registry: CommandRegistry
  readonly supervisor: Supervisor
  /** Starts what the settings say: proxy, workers, `master`. @throws CserviceError the first failure */
  begin(): Promise<unknown>
  /** Starts more workers, and resolves when all of them are ready. */
  addWorkers(entries: readonly WorkerEntry[]): Promise<unknown>
  stop(reason: string): Promise<void>
  kill(): void
  readonly stopped: Promise<unknown>
}
