import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { channelVariable } from '../common/channel-client.cts'

/** What to run, and how it tells that it is ready. */
export interface Launch {
  /** Absolute path of the program, or of a JavaScript file that `kind` runs with Node. */
  readonly file: string
  /**
   * - `agent`: a Node program of the user, run with our agent inside it
   * - `own`: a Node program of ours, which speaks to the channel itself
   * - `program`: any executable; ready when it accepts connections on `port`
   */
  readonly kind: 'agent' | 'own' | 'program'
  readonly args?: readonly string[]
  readonly cwd: string
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>
  /** The loopback port that it is to listen on, where there is one. */
  readonly port?: number
  /** Descriptors that it inherits as 3, 4, … */
  readonly descriptors?: readonly number[]
  /** What it waits for to become ready, for people: `listen on PROXY_PORT 11003`. */
  readonly waitsFor: string
  /** Called once, when the process is gone: gives back what the launch had taken (a port). */
  release?(): void
}

const agentPath = fileURLToPath(new URL('./agent.cjs', import.meta.url))

/**
 * Starts the process.
 * @param channel what the process finds its channel by, if it carries our code
 */
export function spawnWorker(launch: Launch, channel: string): ChildProcess {
  const args = launch.args ?? []
  const env = { ...process.env, ...launch.env, ...(launch.kind === 'program' ? {} : { [channelVariable]: channel }) }
  // A process group of its own: Ctrl-C in a terminal is for the supervisor, which stops workers in its own order.
  const common = {
    cwd: launch.cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(launch.descriptors ?? [])],
  } as const
  if (launch.kind === 'program') return spawn(launch.file, args, { ...common, stdio: [...common.stdio] })
  const preload = launch.kind === 'agent' ? ['--require', agentPath] : []
  return spawn(process.execPath, [...preload, launch.file, ...args], { ...common, stdio: [...common.stdio] })
}
