import { availableParallelism } from 'node:os'

/** Where text goes; `false`: nowhere. */
export type Print = ((...values: unknown[]) => void) | false | null | undefined

/** One entry of `workers`. Keys that are not listed are added to the worker's environment. */
export interface WorkerOptions {
  /** Path of the file, relative to the working directory; `./worker.js` by default. */
  readonly worker?: string | undefined
  readonly cwd?: string | undefined
  readonly count?: number | undefined
  /** `false`: only an explicit pid restarts it. */
  readonly restart?: boolean | undefined
  readonly [setting: string]: unknown
}

/** Options of `start`: those of the command line (docs), and what only a program can give. */
export interface StartOptions {
  readonly workers?: string | Readonly<Record<string, string | WorkerOptions>> | null | undefined
  readonly workerCount?: number | undefined
  readonly accessKey?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  /** A JSON file with options. */
  readonly config?: string | undefined
  /** Whether there is a console on the terminal, and output; false by default. */
  readonly cli?: boolean | undefined
  /** Options of `tls.createServer`, for REST. */
  readonly ssl?: Readonly<Record<string, unknown>> | undefined
  /** A command line to have a running service run. */
  readonly run?: string | undefined
  readonly json?: boolean | undefined
  readonly silent?: boolean | undefined
  readonly allowHttpGet?: boolean | undefined
  /** Bytes. */
  readonly restartOnMemUsage?: number | false | undefined
  /** Seconds. */
  readonly restartOnUpTime?: number | false | undefined
  /** Seconds without a turn of its event loop after which a worker is replaced; true: 30. */
  readonly restartOnUnresponsive?: number | boolean | undefined
  readonly restartConcurrencyRatio?: number | undefined
  readonly restartDelayMs?: number | undefined
  /** Directories with commands, as a list or separated by commas. */
  readonly commands?: string | readonly string[] | undefined
  /** A module that is loaded into this process when the first workers are ready. */
  readonly master?: string | undefined
  /** Path of a proxy.json. */
  readonly proxy?: string | undefined
  /** Whom this process becomes when it has opened the ports below 1024 of `proxy`; needs root. */
  readonly user?: string | number | undefined
  readonly group?: string | number | undefined
  readonly workerUid?: string | number | undefined
  readonly workerGid?: string | number | undefined
  readonly log?: Print
  readonly error?: Print
  readonly debug?: Print
  readonly [option: string]: unknown
}

export const defaultOptions: StartOptions = Object.freeze({
  workers: undefined,
  workerCount: availableParallelism(),
  accessKey: undefined,
  host: 'localhost',
  port: 11_987,
  cli: false,
  json: false,
  silent: false,
  allowHttpGet: false,
  restartOnMemUsage: undefined,
  restartOnUpTime: undefined,
  restartConcurrencyRatio: 0.33,
  restartDelayMs: 100,
  commands: undefined,
  master: undefined,
  proxy: undefined,
})

export interface Locals {
  /** 0: stopped, 1: starting, 2: running. */
  readonly state: 0 | 1 | 2
  readonly isBusy: boolean
  /** Another process has the control port; commands go there. */
  readonly isAttached: boolean
  readonly reason: null
  /** The commands, by name. */
  readonly events: Readonly<Record<string, unknown>>
  /** The workers, by pid. */
  readonly workerProcesses: Readonly<Record<string, unknown>>
  readonly options: Readonly<StartOptions>
  readonly proxy: { readonly enabled: boolean; readonly configPath: string | null }
}
