import { CserviceError } from '../common/errors.ts'
import type { CommandFunction as Runnable } from '../supervisor/control/custom-command.ts'
import { viewOf } from '../supervisor/worker-view.ts'
import type { Cservice } from './cservice.ts'
import { CustomCommands } from './custom-commands.ts'
import { messageBus, processSafeSend } from './messages.ts'
import { createNetServers } from './net-servers.ts'
import type { Locals, StartOptions, WorkerOptions } from './options.ts'
import { createOutput } from './output.ts'
import { proxyCommands, triggerForm, workersArray } from './parts.ts'
import { Program } from './program.ts'
import { findCallback, settle } from './settle.ts'

const programs = new WeakMap<Cservice, Program>()

/** The program whose library this is. */
export function programOf(library: Cservice): Program | null {
  return programs.get(library) ?? null
}

/** The library in a program: in whatever is no worker. What is heavy is loaded when a service is started. */
export function createProgramLibrary(): Cservice {
  const surroundings = {
    get service() {
      return library
    },
    get locals() {
      return library.locals
    },
  }
  const commands = new CustomCommands(surroundings)
  const program = new Program(commands)
  const netServers = createNetServers(undefined)
  const trigger = (name: string, args: readonly unknown[]) => program.trigger(name, args)

  const library: Cservice = {
    start: ((options?: unknown, callback?: unknown) =>
      settle(
        program.start(typeof options === 'function' || options === null ? undefined : (options as StartOptions)),
        findCallback(options, callback),
      )) as Cservice['start'],
    stop: ((timeout?: unknown, callback?: unknown) =>
      settle(
        program.stop(typeof timeout === 'number' ? timeout : undefined),
        findCallback(timeout, callback),
      )) as Cservice['stop'],
    on: (name, command) => commands.add(name, command as unknown as Runnable),
    trigger: triggerForm(trigger),
    workerReady() {},
    control: (levels) => commands.setLevels(levels),
    registerCommands: (directories) => commands.load(directories),
    newWorker: ((options?: unknown, callback?: unknown) =>
      settle(
        program.newWorker(typeof options === 'object' && options !== null ? (options as WorkerOptions) : {}),
        findCallback(options, callback),
      )) as Cservice['newWorker'],
    get workers() {
      return workersArray(program.workers)
    },
    get options() {
      return program.options
    },
    get locals() {
      return describe(program, commands)
    },
    isMaster: true,
    isPrimary: true,
    isWorker: false,
    ...createOutput(() => program.options),
    processSafeSend,
    msgBus: messageBus,
    netServers,
    netStats: (server) => netServers.add(server),
    proxy: proxyCommands(trigger),
    CserviceError,
  }
  programs.set(library, program)
  return library
}

function describe(program: Program, commands: CustomCommands): Locals {
  const service = program.running?.service
  const names = service?.registry.list().map(({ name }) => name) ?? commands.names
  const workers = service?.supervisor.workers ?? []
  const configPath = program.running?.settings.proxy ?? null
  return {
    state: program.state,
    isBusy: program.isBusy,
    isAttached: program.isAttached,
    reason: null,
    events: Object.fromEntries(names.map((name) => [name, { level: service?.registry.levelOf(name) ?? null }])),
    workerProcesses: Object.fromEntries(workers.map((handle) => [String(handle.pid), viewOf(handle)])),
    options: program.options,
    proxy: { enabled: configPath !== null, configPath },
  }
}
