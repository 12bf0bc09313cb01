import library from '../index.ts'
import { programOf } from '../library/program-library.ts'
import type { RunningService, StartOptions } from './running-service.ts'

/**
 * Starts the service of this process, which the library of this process then is about: what the user has loaded into it
 * (`commands`, `master`) finds it there.
 */
export async function startOwnService({ settings, ...rest }: StartOptions): Promise<RunningService> {
  const { startService } = await import('../service.ts')
  const service = await startService({ settings, ...rest })
  return {
    begin: async () => await (programOf(library)?.adopt(service, settings) ?? service.begin()),
    runCommand: (line, caller, onProgress) => service.runCommand(line, caller, onProgress),
    stop: (reason) => service.stop(reason),
    kill: () => service.kill(),
    stopped: service.stopped,
  }
}
