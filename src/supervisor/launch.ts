import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import type { Worker as ClusterWorker } from 'node:cluster'
import type { Duplex, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { channelVariable } from '../common/channel-client.cts'
import type { Ward } from '../common/channel-protocol.ts'
import type { OutputPipes } from './output-pipe.ts'
import type { WorkerEntry } from './plain/worker-entry.ts'

/** What to run, and how it tells that it is ready. */
export interface Launch {
  /** Absolute path of the program, or of a JavaScript file that `kind` runs with Node. */
  readonly file: string
  /**
   * - `agent`: a Node program of the user, run with our agent inside it
   * - `own`: a Node program of ours, which speaks to the channel itself
   * - `cluster`: the same, as a worker of `node:cluster`, which shares its listening ports with the others of this process
   * - `program`: any executable; ready when it accepts connections on `port`
   */
  readonly kind: 'agent' | 'own' | 'cluster' | 'program'
  readonly args?: readonly string[]
  /** Options of Node itself; only of kind `own`. */
  readonly nodeOptions?: readonly string[]
  readonly cwd: string
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>
  /** The user and group that it runs as, of a `cluster` worker; ours, if not given. */
  readonly uid?: number
  readonly gid?: number
  /** The loopback port that it is to listen on, where there is one. */
  readonly port?: number
  /** The entry of `workers` that it was made from, of a plain service. */
  readonly entry?: WorkerEntry
  /** Whether its output is dropped; the last lines of its standard error are kept in any case. */
  readonly isSilent?: boolean
  /** Descriptors that it inherits as 3, 4, … */
  readonly descriptors?: readonly number[]
  /** Has another process of ours start it, which shares its own descriptors with it; only of kind `own`. */
  startBy?(command: Command): Promise<Ward>
  /** Whether a warm spare (src/supervisor/spares) may become it; only of kind `agent`. */
  readonly mayBeSpare?: boolean
  /** What it waits for to become ready, for people: `listen on PROXY_PORT 11003`. */
  readonly waitsFor: string
  /** Called once, when the process is gone: gives back what the launch had taken (a port). */
  release?(): void
}

/** What is to be run, whoever does it: the whole environment, absolute paths. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

export const agentPath = fileURLToPath(new URL('./agent/agent.cjs', import.meta.url))

/** A process that was started, and where its output is read from. */
export interface Spawned {
  readonly child: ChildProcess
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Of a `cluster` worker: what `node:cluster` knows it by, and the supervisor's end of its channel. */
  readonly cluster?: { readonly worker: ClusterWorker; readonly channel: Duplex }
}

/**
 * Starts the process.
 * @param channel what the process finds its channel by, if it carries our code
 * @param pipes for its standard output and error, if it does not
 */
export function spawnWorker(launch: Launch, channel: string, pipes: OutputPipes | null): Spawned {
  // A process group of its own: Ctrl-C in a terminal is for the supervisor, which stops workers in its own order.
  const common = { cwd: launch.cwd, detached: true }
  if (pipes !== null) return spawnProgram(launch, { ...common, env: environmentOf(launch) }, pipes)
  const { program, args, env } = commandOf(launch, channel)
  const child = spawn(program, args, {
    ...common,
    env,
    stdio: ['ignore', 'pipe', 'pipe', ...(launch.descriptors ?? [])],
  })
  return { child, stdout: child.stdout, stderr: child.stderr }
}

/** What carries our code is run by Node. @param channel what it finds its channel by */
export function commandOf(launch: Launch, channel: string): Command {
  const nodeOptions = launch.kind === 'agent' ? ['--require', agentPath] : (launch.nodeOptions ?? [])
  return {
    program: process.execPath,
    args: [...nodeOptions, launch.file, ...(launch.args ?? [])],
    cwd: launch.cwd,
    env: { ...environmentOf(launch), [channelVariable]: channel },
  }
}

/** What the program sees as its environment. */
export function environmentOf(launch: Launch): Record<string, string> {
  return { ...(process.env as Record<string, string>), ...launch.env }
}

function spawnProgram(launch: Launch, options: SpawnOptions, { out, err }: OutputPipes): Spawned {
  try {
    const stdio = ['ignore' as const, out.writer, err.writer, out.reader, err.reader]
    const child = spawn(launch.file, launch.args ?? [], { ...options, stdio })
    for (const { reader } of [out, err]) reader.resume() // what is handed over is paused
    return { child, stdout: out.reader, stderr: err.reader }
  } catch (error) {
    for (const { reader } of [out, err]) reader.destroy()
    throw error
  } finally {
    for (const { writer } of [out, err]) writer.destroy() // so that the end of the program is the end of its output
  }
}
