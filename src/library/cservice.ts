import type { Worker } from 'node:cluster'
import type { Server } from 'node:net'
import type { CserviceError } from '../common/errors.ts'
import type { AccessLevel, Caller } from '../supervisor/control/command.ts'
import type { CommandCallback } from '../supervisor/control/custom-command.ts'
import type { WorkerFacts } from '../supervisor/worker-view.ts'
import type { Locals, StartOptions, WorkerOptions } from './options.ts'

/** The error is null when all went well. */
export type Callback<Result = unknown> = (error: Error | null, result?: Result) => void

export type { AccessLevel, Caller, CommandCallback }

/** A worker of a plain service: the Worker of `node:cluster`, and what it was started with. */
export type ServiceWorker = Worker & { readonly pid: number; readonly cservice: WorkerFacts }

export type { WorkerFacts }

export interface WorkerReadyOptions {
  /** Called when the worker is to stop: finish what is under way and exit. It is on its own from here; see the stop ladder. */
  readonly onWorkerStop?: () => void
  /** Servers that a graceful stop closes, beside those that listen already. */
  readonly servers?: readonly Server[]
}

/** The live workers, with a way to reach all of them. */
export interface ServiceWorkers extends ReadonlyArray<ServiceWorker> {
  /** Sends a message to every worker (`process.on('message', …)` there). */
  send(message: unknown): void
}

/** What a command of the user gets first. */
export interface CommandEvent {
  readonly name: string
  readonly service: Cservice
  readonly locals: Locals
  readonly cb: CommandCallback
  /** Who runs the command, and how much he is trusted. */
  readonly caller: Caller
  /** Aborted when the service stops. */
  readonly signal: AbortSignal
  /** Tells whoever watches how far the command is. */
  report(progress: string): void
}

/** A command answers by its callback or by a promise. */
export interface CommandFunction {
  // biome-ignore lint/suspicious/noExplicitAny: a command has parameters of whatever types it expects
  (event: CommandEvent, callback: CommandCallback, ...args: any[]): unknown
  /** Answers what `help <name>` shows. */
  readonly more?: ((callback: CommandCallback) => unknown) | undefined
  readonly control?: (() => AccessLevel) | undefined
  /** `false`: `help` does not list it. */
  readonly visible?: boolean | undefined
}

/** The commands of the proxy. */
export interface ProxyCommands {
  start(options: { readonly configPath: string }): Promise<unknown>
  start(options: { readonly configPath: string }, callback: Callback): void
  stop(): Promise<unknown>
  stop(callback: Callback): void
  version(version: string, options?: { readonly workerCount?: number }): Promise<unknown>
  version(version: string, options: { readonly workerCount?: number } | undefined, callback: Callback): void
  promote(version: string, options?: { readonly workerCount?: number }): Promise<unknown>
  promote(version: string, options: { readonly workerCount?: number } | undefined, callback: Callback): void
  info(): Promise<unknown>
  info(callback: Callback): void
  /** @param source a .tgz, a .tar or a folder of this machine */
  deploy(source: string, options?: DeployOptions): Promise<unknown>
  deploy(source: string, options: DeployOptions | undefined, callback: Callback): void
}

export interface DeployOptions {
  /** The name of the version; by default what its package.json says, or the name of the file. */
  readonly as?: string
  /** Makes it live afterwards; a number: with so many workers. */
  readonly promote?: boolean | number
  /** The digest that the archive must have, in hex. */
  readonly sha256?: string
  /** Only says what it would be. */
  readonly dryRun?: boolean
}

export interface MessageBus {
  /** A message that other users of the channel tell from their own: `{ cservice: { …options, cmd } }`. */
  createMessage(command: string, options?: object): { cservice: { cmd: string; [key: string]: unknown } }
  isValidMessage(message: unknown): boolean
}

export interface NetServers {
  /** Follows servers, so that a graceful stop closes them. Those that listen are followed without it. */
  add(servers: Server | readonly Server[]): void
  remove(servers: Server | readonly Server[]): void
  /** Answers when every server that has begun to listen does. */
  waitForReady(): Promise<void>
  waitForReady(callback: () => void): void
  /** Takes no new connections, and answers when all have ended. */
  close(): Promise<void>
  close(callback: () => void): void
}

/** The library: the same object in a program that runs a service and in its workers, where some members do nothing. */
export interface Cservice {
  /**
   * Starts a service in this process, or adds workers to the one that runs here. Ready when all its workers are.
   * Without options it understands `process.argv` as the command line does. With `run` it has a running service run a
   * command, and answers its result. Does nothing in a worker.
   * @throws CserviceError (as a rejection, or as the error of the callback)
   */
  start(options?: StartOptions): Promise<unknown>
  start(options: StartOptions, callback: Callback): void
  start(callback: Callback): void
  /**
   * Stops the whole service, gracefully: `Shutting down...`, or `Not running`.
   * @param timeout milliseconds after which what is left is ended at once; 0: never
   */
  stop(timeout?: number): Promise<string>
  stop(timeout: number | undefined, callback: Callback<string>): void
  stop(callback: Callback<string>): void
  /** Registers a command, or replaces one; in a worker, a command that the service runs in every worker that has it. */
  on(name: string, command: CommandFunction, overwrite?: boolean): void
  /** Runs a command, with any values, and answers its result. Runs at any access level, from this process. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the command takes
  trigger(name: string, callback: Callback<any>, ...args: unknown[]): void
  trigger(name: string, ...args: unknown[]): Promise<unknown>
  /** Says that this worker is ready; with `false`, that it is not until it says so. Does nothing outside a worker. */
  workerReady(options?: boolean | WorkerReadyOptions): void
  /**
   * Sets the access levels of commands.
   * @throws CserviceError BAD_USAGE for a level that does not exist
   */
  control(levels: Readonly<Record<string, AccessLevel>>): void
  /** Registers each `*.js` of directories (a list, or a text separated by commas) as a command. */
  registerCommands(directories: string | readonly string[], overwrite?: boolean): Promise<void>
  /** Starts one more worker, and answers it when it is ready. */
  newWorker(options?: WorkerOptions): Promise<ServiceWorker>
  newWorker(options: WorkerOptions | undefined, callback: Callback<ServiceWorker>): void
  readonly workers: ServiceWorkers
  /** The options of the service, as given and with defaults. */
  readonly options: Readonly<StartOptions>
  /** The inner state, for whoever looks for a fault: a snapshot. */
  readonly locals: Locals
  readonly isMaster: boolean
  readonly isPrimary: boolean
  readonly isWorker: boolean
  log(...values: unknown[]): void
  error(...values: unknown[]): void
  debug(...values: unknown[]): void
  /** Prints, also where `log` is silent. */
  results(...values: unknown[]): void
  /** Sends, and returns what went wrong instead of throwing it. A receiver that is gone never ends this process. */
  processSafeSend(receiver: MessageReceiver, message: unknown): Error | undefined
  readonly msgBus: MessageBus
  readonly netServers: NetServers
  /** Counts what reaches a server; one that listens is counted without it. */
  netStats(server: Server): void
  readonly proxy: ProxyCommands
  readonly CserviceError: typeof CserviceError
}

/** A process or worker with an IPC channel. */
export interface MessageReceiver {
  // biome-ignore lint/suspicious/noExplicitAny: process, ChildProcess and Worker each have types of their own for it
  send?: ((...args: any[]) => any) | undefined
}
