import { CserviceError } from '../common/errors.ts'
import { customCommand, type CommandFunction as Runnable } from '../supervisor/control/custom-command.ts'
import type { Agent } from './agent.ts'
import type { Cservice, WorkerReadyOptions } from './cservice.ts'
import { messageBus, processSafeSend } from './messages.ts'
import { createNetServers } from './net-servers.ts'
import { defaultOptions, type Locals, type StartOptions } from './options.ts'
import { createOutput } from './output.ts'
import { proxyCommands, triggerForm, workersArray } from './parts.ts'
import { findCallback, settle } from './settle.ts'
import { WorkerLine } from './worker-line.ts'

/**
 * The library in a worker. What only a program can do does nothing here, so that one file can be both.
 * @param agent null in a worker that somebody else has started: then everything is harmless
 */
export function createWorkerLibrary(agent: Agent | null): Cservice {
  const line = agent?.send === undefined ? null : new WorkerLine(agent)
  const options: StartOptions = Object.freeze({ ...defaultOptions, cwd: process.cwd(), ...nameOf() })
  const netServers = createNetServers(agent?.servers)
  let isSaidReady = false

  const trigger = async (name: string, args: readonly unknown[]): Promise<unknown> => {
    if (line === null) throw new CserviceError('NO_GATEWAY', 'No service has started this worker: nobody has commands')
    return await line.call(name, args)
  }
  const unavailable = async (what: string): Promise<never> => {
    throw new CserviceError('BAD_USAGE', `${what} is for the program that runs the service, not for a worker`)
  }

  const surroundings = {
    get service() {
      return library
    },
    get locals() {
      return library.locals
    },
  }

  const library: Cservice = {
    start: ((...given: readonly unknown[]) =>
      findCallback(...given) === undefined ? Promise.resolve() : undefined) as Cservice['start'],
    stop: ((...given: readonly unknown[]) =>
      settle(Promise.resolve('Not running'), findCallback(...given))) as Cservice['stop'],
    on: (name, command) => line?.register(customCommand(name, command as unknown as Runnable, surroundings)),
    trigger: triggerForm(trigger),
    workerReady(given) {
      if (given === false) {
        if (!isSaidReady) agent?.workerReady(false)
      } else if (!isSaidReady) {
        isSaidReady = true
        agent?.workerReady(given === true ? undefined : (given as WorkerReadyOptions | undefined))
      }
    },
    control() {},
    registerCommands: async () => {},
    newWorker: ((...given: readonly unknown[]) =>
      settle(unavailable('newWorker'), findCallback(...given))) as Cservice['newWorker'],
    workers: workersArray([]),
    options,
    get locals(): Locals {
      const nothing = { events: {}, workerProcesses: {}, proxy: { enabled: false, configPath: null } }
      return { state: 0, isBusy: false, isAttached: false, reason: null, options, ...nothing }
    },
    isMaster: false,
    isPrimary: false,
    isWorker: true,
    ...createOutput(() => options),
    processSafeSend,
    msgBus: messageBus,
    netServers,
    netStats: (server) => netServers.add(server),
    proxy: proxyCommands(trigger),
    CserviceError,
  }
  return library
}

/** What the environment says of this worker. */
function nameOf(): { readonly name?: string; readonly version?: string } {
  const { CSERVICE_WORKER: name, CSERVICE_VERSION: version } = process.env
  return { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) }
}
