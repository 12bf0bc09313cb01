import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { sendCommand } from '../../src/supervisor/control/client.ts'
import { eventually } from './eventually.ts'
import { freePort, isPortFree } from './free-ports.ts'
import { type OnFinish, onTestFinish } from './on-finish.ts'
import { processesMarked, type RunningProcess } from './processes.ts'
import { collect, type Outcome, run } from './run.ts'
import { accepts } from './start-worker.ts'
import type { VersionFolder } from './version-folder.ts'

export interface CommandOutcome extends Outcome {
  /** stdout as a value, where `--json` was among the words; undefined otherwise. */
  readonly json: unknown
}

export interface GatewayOptions {
  /** Words after those that start the proxy. */
  readonly words?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A free one, if not given. */
  readonly controlPort?: number
  /** Milliseconds until it must be ready; default 20 000. */
  readonly deadline?: number
  readonly onFinish?: OnFinish
}

const program = fileURLToPath(new URL('../../dist/cli/cservice.js', import.meta.url))
/** What it prints when `proxy start` has been answered: the greeting, or with --json one JSON value. */
const startIsOver = /^(The gateway is running|\{)/m
const markVariable = 'CSERVICE_TEST_GATEWAY'
/** Longer than a process may live without its supervisor (10 s) and then take to end. */
const endDeadline = 20_000

/**
 * Starts `cservice proxy start <proxy.json>` as a real process on a free control port, and waits until its first binding
 * accepts and `proxy info` answers. When the test is over the gateway is stopped, and the test fails if a process of it
 * is left or one of its ports is still taken.
 */
export async function startGateway(folder: VersionFolder, options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = new Gateway(folder, options.controlPort ?? (await freePort()), options)
  const onFinish = options.onFinish ?? onTestFinish
  onFinish(() => gateway.dispose())
  await gateway.untilReady(options.deadline ?? 20_000)
  return gateway
}

/** Runs `cservice <words>` to its end; for words that need no gateway of ours, or none at all. */
export async function cservice(
  words: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
): Promise<CommandOutcome> {
  const outcome = await run(process.execPath, [program, ...words], options)
  return { ...outcome, json: words.includes('--json') ? parse(outcome) : undefined }
}

/** A gateway that runs as a process of its own. */
export class Gateway {
  readonly folder: VersionFolder
  readonly controlPort: number
  readonly #child: ChildProcess
  readonly #stdout: () => string
  readonly #stderr: () => string
  readonly #mark = randomUUID()
  readonly #exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly #env: NodeJS.ProcessEnv

  /** Use `startGateway`; this one does not wait and undoes nothing. */
  constructor(folder: VersionFolder, controlPort: number, options: GatewayOptions) {
    this.folder = folder
    this.controlPort = controlPort
    this.#env = { ...process.env, NO_COLOR: '1', ...options.env }
    const words = ['proxy', 'start', folder.config, '--port', String(controlPort), ...(options.words ?? [])]
    this.#child = spawn(process.execPath, [program, ...words], {
      cwd: folder.path,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...this.#env, [markVariable]: this.#mark },
    })
    this.#stdout = collect(this.#child.stdout)
    this.#stderr = collect(this.#child.stderr)
    // 'exit', not 'close': processes that outlive their supervisor keep its output open.
    this.#exit = new Promise((resolve, reject) => {
      this.#child.once('exit', (code, signal) => resolve({ code, signal }))
      this.#child.once('error', reject)
    })
    this.#exit.catch(() => {})
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the gateway could not be spawned')
    return this.#child.pid
  }

  /** Of the first binding, without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${this.folder.port}`
  }

  /** What it has said so far, stdout first. */
  get output(): string {
    return `${this.#stdout()}${this.#stderr()}`
  }

  get stdout(): string {
    return this.#stdout()
  }

  get stderr(): string {
    return this.#stderr()
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Runs `cservice <words> --port <its control port>`. */
  cservice(...words: string[]): Promise<CommandOutcome> {
    return cservice([...words, '--port', String(this.controlPort)], { cwd: this.folder.path, env: this.#env })
  }

  /** The answer of a command that must succeed, as a value. @throws with everything it printed if it fails */
  async command<Answer = unknown>(...words: string[]): Promise<Answer> {
    const outcome = await this.cservice(...words, '--json')
    if (outcome.code !== 0) {
      throw new Error(`cservice ${words.join(' ')} exited ${outcome.code}:\n${outcome.stdout}${outcome.stderr}`)
    }
    return outcome.json as Answer
  }

  /** A request with `fetch`; `version` goes into the version header. */
  fetch(path = '/', options: RequestInit & { version?: string } = {}): Promise<Response> {
    const { version, ...init } = options
    const headers = new Headers(init.headers)
    if (version !== undefined) headers.set('x-version', version)
    return fetch(`${this.url}${path}`, { redirect: 'manual', ...init, headers })
  }

  /** Every process that belongs to it, itself first, orphans included; on Linux only. */
  processes(): RunningProcess[] {
    return processesMarked(markVariable, this.#mark).sort(
      (a, b) => Number(b.pid === this.pid) - Number(a.pid === this.pid),
    )
  }

  /** Sends a signal to the supervisor process alone. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** How the supervisor process ended. @throws when it has not within `timeout` milliseconds */
  async exited(timeout = endDeadline): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const deadline = AbortSignal.timeout(timeout)
    return Promise.race([
      this.#exit,
      new Promise<never>((_, reject) => {
        deadline.addEventListener('abort', () =>
          reject(new Error(`the gateway runs on after ${timeout} ms\n${this.output}`)),
        )
      }),
    ])
  }

  /** SIGTERM, and how it ended. */
  async stop(timeout = endDeadline): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.kill('SIGTERM')
    return this.exited(timeout)
  }

  /** Waits until no process of it is left and its binding and control ports are free again. */
  async untilGone(): Promise<void> {
    const left = () => this.processes().map(({ pid, command }) => `${pid} ${command}`)
    await eventually('the end of every process of the gateway', () => left().length === 0, endDeadline).catch(
      (error) => {
        throw new Error(`processes are left:\n${left().join('\n')}\n${this.output}`, { cause: error })
      },
    )
    for (const port of [this.folder.port, this.controlPort]) {
      await eventually(`port ${port} free again`, () => isPortFree(port), 5_000)
    }
  }

  async untilReady(deadline: number): Promise<void> {
    const wait = async () => {
      await eventually('a gateway that accepts', () => this.hasExited || accepts(this.folder.port), deadline)
      await eventually('a gateway that answers', async () => this.hasExited || (await this.#answers()), deadline)
      await eventually('the end of the start', () => this.hasExited || startIsOver.test(this.#stdout()), deadline)
    }
    await wait().catch((error: unknown) => {
      throw new Error(`the gateway did not become ready\n${this.output}`, { cause: error })
    })
    if (this.hasExited) throw new Error(`the gateway ended at once (${this.#child.exitCode})\n${this.output}`)
  }

  /** Stops it whatever state it is in, and checks that nothing is left. */
  async dispose(): Promise<void> {
    if (!this.hasExited) {
      await this.stop().catch((error: unknown) => {
        for (const { pid } of this.processes()) killQuietly(pid)
        throw error
      })
    }
    await this.untilGone().catch((error: unknown) => {
      for (const { pid } of this.processes()) killQuietly(pid)
      throw error
    })
  }

  async #answers(): Promise<boolean> {
    const answer = await sendCommand('proxy info', { port: this.controlPort, host: 'localhost' }, 20_000)
    return answer !== null
  }
}

function parse(outcome: Outcome): unknown {
  try {
    return JSON.parse(outcome.stdout)
  } catch (error) {
    throw new Error(`not one JSON value on stdout: ${outcome.stdout}\n${outcome.stderr}`, { cause: error })
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // gone already
  }
}
