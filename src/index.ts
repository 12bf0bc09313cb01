/**
 * The library: what a worker, or a program that runs a service, gets from `import` or `require` of `cservice`. Loads only what
 * is small; what a service needs is loaded when one is started.
 */
import cluster from 'node:cluster'
import { findAgent } from './library/agent.ts'
import type { Cservice } from './library/cservice.ts'
import { createProgramLibrary } from './library/program-library.ts'
import { shared } from './library/shared.ts'
import { createWorkerLibrary } from './library/worker-library.ts'

const api: Cservice = shared('cservice.library', () => {
  const agent = findAgent()
  return agent !== null || cluster.isWorker ? createWorkerLibrary(agent) : createProgramLibrary()
})

export const {
  start,
  stop,
  on,
  trigger,
  workerReady,
  control,
  registerCommands,
  newWorker,
  isMaster,
  isPrimary,
  isWorker,
  log,
  error,
  debug,
  results,
  processSafeSend,
  msgBus,
  netServers,
  netStats,
  proxy,
} = api

export { CserviceError, type ErrorCode, type ErrorData } from './common/errors.ts'
export type * from './library/cservice.ts'
export type * from './library/options.ts'
export { api as default, api as 'module.exports' }
