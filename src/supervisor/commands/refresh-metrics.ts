import type { WorkerHandle } from '../worker.ts'

/** A worker that hangs holds nobody up for longer, in milliseconds; its last report stands then. */
const patienceMs = 300

/** Has each worker report how it is now. */
export async function refreshMetrics(workers: readonly WorkerHandle[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.refresh(patienceMs)))
}
