import { describeProblem, formatPath } from '../common/config/config-problem.ts'
import { CserviceError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { entryOptionNames, makeEntry } from '../supervisor/plain/make-entry.ts'
import type { WorkerEntry } from '../supervisor/plain/worker-entry.ts'
import type { CheckedOptions } from './schema.ts'
import type { Origin } from './sources.ts'

/** The name of a worker that was given as a path and nothing else. */
const standardName = 'main'
const standardWorker = './worker.js'
/** Processes of all workers together: a generated file with a mistake in it must not take the machine down. */
const largestTotal = 4_096

/**
 * The entries of `workers`, and warnings about variables of the environment that look like mistyped options.
 * @throws CserviceError as `makeEntry`; BAD_USAGE for more than 4096 processes in all
 */
export async function makeEntries(
  workers: CheckedOptions['workers'] | null,
  defaults: Omit<WorkerEntry, 'name' | 'file'>,
  origin: Origin,
): Promise<{ entries: WorkerEntry[]; warnings: string[] }> {
  const named = typeof workers === 'string' ? { [standardName]: workers } : (workers ?? {})
  const entries: WorkerEntry[] = []
  const warnings: string[] = []
  for (const [name, value] of Object.entries(named)) {
    const options: Readonly<Record<string, unknown>> = typeof value === 'string' ? { worker: value } : value
    const path = typeof options.worker === 'string' ? options.worker : standardWorker
    entries.push(await makeEntry({ name, path, options, defaults, folders: origin.folders }))
    warnings.push(...mistyped(name, options, origin))
  }
  const total = entries.reduce((sum, { count }) => sum + count, 0)
  if (total <= largestTotal) return { entries, warnings }
  throw new CserviceError('BAD_USAGE', `Option 'workers': found ${total} processes in all, allowed: ${largestTotal}`, {
    hint: 'Each worker has workerCount processes, unless it has a count of its own.',
  })
}

/** Names in capitals are meant for the environment; one that is nearly that of an option is perhaps not. */
function mistyped(name: string, options: Readonly<Record<string, unknown>>, { file, document }: Origin): string[] {
  const names: readonly string[] = entryOptionNames
  const strange = Object.keys(options).filter((key) => /[a-z]/.test(key) && !names.includes(key))
  return strange.flatMap((key) => {
    const meant = nearest(key, names)
    if (meant === null) return []
    const path = ['workers', name, key]
    const found = 'a variable for its environment'
    if (file === null || document === null)
      return [`Option '${formatPath(path)}': found ${found}, perhaps ${meant} was meant`]
    const where = document.locate(path, 'key')
    return [describeProblem(file, { path: formatPath(path), ...where, found, allowed: `perhaps ${meant}` }).message]
  })
}
