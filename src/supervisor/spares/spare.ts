import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { spareVariable, startTimeOf } from '../../common/channel-client.cts'
import type { FromProcess, Program, Ward } from '../../common/channel-protocol.ts'
import type { ChannelPeer, ChannelServer } from '../channel-server.ts'
import { agentPath, type Spawned } from '../launch.ts'
import { within } from '../within.ts'
import { warmUpSocket } from './warm-up-socket.cts'

interface SpareEvents {
  /** It waits to become a worker. */
  ready: []
  /** It has ended, and was never used. */
  end: []
}

const programPath = fileURLToPath(new URL('./spare-program.cjs', import.meta.url))
/** How long one that is told to become a worker may take to say that it is, in milliseconds: it does nothing else. */
const becomeDeadline = 1_000
const keptWords = 2_000

/**
 * A Node process that was booted beforehand and waits to become a worker. Owns the process until it is one: then
 * WorkerProcess does, by `spawned`, and what it says is kept until `handOver`.
 */
export class Spare extends EventEmitter<SpareEvents> {
  readonly id: string
  /** The environment that it was started with. */
  readonly environment: NodeJS.ProcessEnv
  readonly #channel: ChannelServer
  readonly #child: ChildProcess
  readonly #startTime: string | null
  #rss: number | null = null
  #readyAt: number | null = null
  #isUsed = false
  #lastWords = ''
  #onBecame: (() => void) | null = null
  #unheard: FromProcess[] = []

  /** @throws what the system says when it has no process or descriptor left to give */
  constructor(id: string, channel: ChannelServer, environment: NodeJS.ProcessEnv) {
    super()
    this.id = id
    this.environment = environment
    this.#channel = channel
    channel.expect(id, { onConnected() {}, onMessage: (message) => this.#receive(message), onDisconnected() {} })
    // As `spawnWorker` does it, so that its execArgv, output and process group are those of any worker. The folder is nobody's.
    this.#child = spawn(process.execPath, ['--require', agentPath, programPath], {
      cwd: '/',
      detached: true,
      env: { ...environment, [spareVariable]: `${channel.path}#${id}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#startTime = this.#child.pid === undefined ? null : startTimeOf(this.#child.pid)
    this.#child.once('error', (error) => {
      this.#lastWords = error.message
      this.#onEnd()
    })
    this.#child.once('exit', () => this.#onEnd())
  }

  get isReady(): boolean {
    return this.#readyAt !== null && !this.#isUsed
  }

  /** Milliseconds for which it has been ready; null: it never was. */
  get readyFor(): number | null {
    return this.#readyAt === null ? null : performance.now() - this.#readyAt
  }

  /** Resident bytes when it was ready. It does nothing afterwards. */
  get rss(): number {
    return this.#rss ?? 0
  }

  get ward(): Ward | null {
    return this.#child.pid === undefined ? null : { pid: this.#child.pid, startTime: this.#startTime }
  }

  /** What it wrote to its standard error, of one that has ended. */
  get lastWords(): string {
    return this.#lastWords
  }

  /** The process, for whoever owns it once it is a worker. */
  get spawned(): Spawned {
    return { child: this.#child, stdout: this.#child.stdout, stderr: this.#child.stderr }
  }

  /** Makes it a worker. @returns false when it cannot, or does not say so in time: then it is ended */
  async become(program: Program): Promise<boolean> {
    this.#isUsed = true
    const became = new Promise<void>((resolve) => {
      this.#onBecame = resolve
    })
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    const isTold = this.#channel.send(this.id, { type: 'become', ...program })
    if (isTold && (await within(Promise.race([became, ended]), becomeDeadline)) && this.#onBecame === null) return true
    this.kill()
    return false
  }

  /** From now on the worker hears what the process says, and first what it has said since it became one. */
  handOver(peer: ChannelPeer): void {
    this.#channel.expect(this.id, peer)
    peer.onConnected()
    for (const message of this.#unheard.splice(0)) peer.onMessage(message)
  }

  /** SIGKILL: it has nothing to finish. */
  kill(): void {
    this.#child.kill('SIGKILL')
    this.#channel.forget(this.id)
  }

  /** Resolves when the process is gone. */
  async gone(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    await new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
  }

  #receive(message: FromProcess): void {
    if (this.#isUsed && this.#onBecame === null) this.#unheard.push(message)
    else if (message.type === 'became') {
      this.#onBecame?.()
      this.#onBecame = null
    } else if (message.type === 'spare') {
      this.#rss = message.rss
      this.#readyAt = performance.now()
      this.emit('ready')
    }
  }

  #onEnd(): void {
    if (this.#isUsed && this.#onBecame === null) return // of a worker
    this.#channel.forget(this.id)
    rmSync(warmUpSocket(this.#channel.path, this.#child.pid), { force: true }) // of one that ended while it warmed itself
    const { stdout, stderr } = this.#child
    stdout?.destroy()
    if (this.#lastWords === '') this.#lastWords = String(stderr?.read() ?? '').slice(0, keptWords)
    stderr?.destroy()
    if (!this.#isUsed) this.emit('end')
  }
}
