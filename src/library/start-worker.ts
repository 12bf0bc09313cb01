import { basename, extname } from 'node:path'
import { CserviceError } from '../common/errors.ts'
import type { ServiceSettings } from '../settings/service-settings.ts'
import { makeEntry } from '../supervisor/plain/make-entry.ts'
import type { WorkerHandle } from '../supervisor/worker.ts'
import { viewOf, type WorkerView } from '../supervisor/worker-view.ts'
import type { WorkerOptions } from './options.ts'
import type { RunningService } from './running-service.ts'

/**
 * Starts one worker beside those that run, and resolves to it when it is ready.
 * @throws CserviceError WORKER_NOT_FOUND, WORKER_FAILED, BAD_USAGE for a wrong option
 */
export async function startWorker(
  { service, settings }: { readonly service: RunningService; readonly settings: ServiceSettings },
  options: WorkerOptions,
): Promise<WorkerView> {
  const path = options.worker ?? './worker.js'
  const entry = await makeEntry({
    name: basename(path, extname(path)),
    path,
    options: { ...options, count: 1 },
    defaults: settings.workerDefaults,
  })
  let started: WorkerHandle | undefined
  const notice = (worker: WorkerHandle) => {
    if (worker.entry === entry) started = worker
  }
  service.supervisor.on('worker', notice)
  try {
    await service.addWorkers([entry])
  } finally {
    service.supervisor.off('worker', notice)
  }
  if (started === undefined) throw new CserviceError('INTERNAL', `${entry.name}: no worker was started`)
  return viewOf(started)
}
