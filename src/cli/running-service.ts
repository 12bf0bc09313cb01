import type { Log } from '../common/log.ts'
import type { ServiceSettings } from '../settings/service-settings.ts'
import type { Caller } from '../supervisor/control/command.ts'
import type { OutputSink } from '../supervisor/output.ts'
import type { Options } from './options.ts'
import type { Output } from './output.ts'

/** A service as the command line sees it (service.ts). */
export interface RunningService {
  /** Starts what the settings name: the proxy, the workers, the master module. Rejects with the reason why it could not. */
  begin(): Promise<void>
  /** @param onProgress told how far a long command is */
  runCommand(line: string[] | string, caller: Caller, onProgress?: (text: string) => void): Promise<unknown>
  stop(reason: string): Promise<void>
  kill(): void
  readonly stopped: Promise<{ exitCode: number }>
}

export interface StartOptions {
  readonly settings: ServiceSettings
  readonly log: Log
  readonly output?: OutputSink
}

export type StartService = (options: StartOptions) => Promise<RunningService>

/** Attaches a console on this terminal to a service that runs; resolves to the exit code when it is left. */
export type AttachConsole = (options: Options, output: Output) => Promise<number>

/** What can be put in place of our own. */
export interface Parts {
  /** Starts a service where none runs: the one of service.ts, if not given. */
  readonly start?: StartService
  /** Without it, a terminal is attached to nothing. */
  readonly attach?: AttachConsole
}
