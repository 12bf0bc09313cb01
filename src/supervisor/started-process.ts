import type { ChildProcess } from 'node:child_process'
import type { Worker as ClusterWorker } from 'node:cluster'
import { dirname } from 'node:path'
import { startTimeOf } from '../common/channel-client.cts'
import type { Ward } from '../common/channel-protocol.ts'
import type { ChannelServer } from './channel-server.ts'
import { forkClusterWorker } from './cluster-fork.ts'
import { guardCluster } from './cluster-guard.ts'
import { type Launch, type Spawned, spawnWorker } from './launch.ts'
import { Output, type OutputSink } from './output.ts'
import { type OutputPipes, openOutputPipes } from './output-pipe.ts'
import type { Spare } from './spares/spare.ts'
import type { ProcessEnd, WorkerProcess } from './worker-process.ts'

export interface ProcessOptions {
  readonly id: string
  readonly name: string
  readonly channel: ChannelServer
  readonly output: OutputSink
  /** The process that has become this worker; without one, a process is started. */
  readonly spare?: Spare | null
}

/** The exit is reported a little later than the process ends, so that its last words are in. */
const lastWordsMs = 200

/** The child process of a worker, with its output and its end. Owns them; knows nothing of readiness. */
export class StartedProcess implements WorkerProcess {
  readonly clusterWorker: ClusterWorker | null
  readonly ended: Promise<ProcessEnd>
  readonly #kind: Launch['kind']
  readonly #child: ChildProcess
  readonly #output: Output
  readonly #startTime: string | null
  #spawnError: Error | null = null
  #breach: string | null = null

  /** @throws what the system says when it has no process or descriptor left to give */
  static async start(launch: Launch, options: ProcessOptions): Promise<StartedProcess> {
    // Our own code bears it when nobody reads its output; of other programs that cannot be asked.
    const pipes = launch.kind === 'program' ? await openOutputPipes(dirname(options.channel.path)) : null
    return new StartedProcess(launch, options, pipes)
  }

  private constructor(launch: Launch, options: ProcessOptions, pipes: OutputPipes | null) {
    const { id, name, channel, output } = options
    const spawned = options.spare?.spawned ?? spawnFor(launch, options, pipes)
    this.#kind = launch.kind
    this.#child = spawned.child
    this.clusterWorker = spawned.cluster?.worker ?? null
    if (spawned.cluster) {
      channel.adopt(spawned.cluster.channel, id)
      guardCluster(this.#child, isForeign(launch), (why) => this.#endFor(why))
    }
    this.#startTime = this.#child.pid === undefined ? null : startTimeOf(this.#child.pid)
    // What a plain service prints is what its user has always read; workers of versions are told apart.
    const prefix = () => (launch.kind === 'cluster' ? '' : `${name}:${this.#child.pid} | `)
    this.#output = new Output(spawned, prefix, launch.isSilent ? null : output)
    this.ended = this.#watchEnd()
  }

  get pid(): number | null {
    return this.#child.pid ?? null
  }

  get ward(): Ward | null {
    return this.#child.pid === undefined ? null : { pid: this.#child.pid, startTime: this.#startTime }
  }

  /** Why it was ended here, where its pool did not want it; null: it was not. */
  get breach(): string | null {
    return this.#breach
  }

  get lastWords(): readonly string[] {
    return this.#spawnError === null ? this.#output.tail : [this.#spawnError.message]
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return
    if (this.#kind === 'cluster') {
      this.#child.kill(signal) // does nothing once it has ended, when its pid may be that of a stranger
      return
    }
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // nobody is left in the group
    }
  }

  hear(stream: 'stdout' | 'stderr', text: string): void {
    this.#output.push(stream, text)
  }

  look(): void {
    // its end is told by the system
  }

  async cleanUp(): Promise<void> {
    if (this.#child.pid === undefined) return
    this.signal('SIGKILL')
    await Promise.race([this.#output.ended, new Promise((resolve) => setTimeout(resolve, lastWordsMs).unref())])
  }

  #endFor(why: string): void {
    this.#breach ??= why
    this.signal('SIGKILL')
  }

  async #watchEnd(): Promise<ProcessEnd> {
    const child = this.#child
    if (hasEnded(child)) return { exitCode: child.exitCode, signal: child.signalCode }
    return await new Promise((resolve) => {
      child.once('error', (error) => {
        if (child.pid !== undefined) return
        this.#spawnError = error
        resolve({ exitCode: null, signal: null })
      })
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
    })
  }
}

/** Whether it runs as another user than this process. */
function isForeign({ uid }: Launch): boolean {
  return uid !== undefined && uid !== process.getuid?.()
}

function spawnFor(launch: Launch, { id, channel }: ProcessOptions, pipes: OutputPipes | null): Spawned {
  return launch.kind === 'cluster' ? forkClusterWorker(launch, id) : spawnWorker(launch, `${channel.path}#${id}`, pipes)
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
