import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { eventually } from './eventually.ts'
import { freePort, isPortFree } from './free-ports.ts'
import { install } from './install.ts'
import { type OnFinish, onTestFinish } from './on-finish.ts'
import { isAlive, processesMarked, type RunningProcess } from './processes.ts'
import { collect, type Outcome, run } from './run.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface ServiceOptions {
  /** Programs and configurations in its folder: path to text. */
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly onFinish?: OnFinish
  /** Milliseconds until it must be ready; default 20 000. */
  readonly deadline?: number
  /** What its REST calls give; null: REST is not opened. */
  readonly accessKey?: string | null
  /** Whether what it runs is a copy that every user of the machine can read; by default it is ours, wherever that is. */
  readonly isForEveryUser?: boolean
}

/** A worker as the command `workers` lists it. */
export interface ListedWorker {
  readonly pid: number
  readonly state: string
  readonly name: string
  readonly worker: string
  readonly cwd: string
  readonly process: { readonly memory: { readonly rss: number } | null; readonly net?: { readonly requests: number } }
}

/** What a command over REST was answered, in the form for our own client. */
export type RestOutcome =
  | { readonly status: number; readonly result: unknown }
  | { readonly status: number; readonly error: { readonly code: string; readonly message: string } }

const startIsOver = /Ctrl-C stops it/
const markVariable = 'CSERVICE_TEST_SERVICE'
/** Longer than a process may live without its supervisor (10 s) and then take to end. */
const endDeadline = 20_000

/**
 * A folder for a service, with a control port, a runtime directory and a port for its workers (`PORT`) of its own, in which
 * `cservice` is installed. When the test is over, a process of it that is left makes the test fail.
 */
export async function servicePlace(options: ServiceOptions = {}): Promise<ServicePlace> {
  const onFinish = options.onFinish ?? onTestFinish
  const folder = temporaryFolder(onFinish)
  chmodSync(folder, 0o755) // workers may run as nobody
  mkdirSync(join(folder, 'run'), { mode: 0o700 })
  mkdirSync(join(folder, 'node_modules'))
  install(join(folder, 'node_modules/cservice'), options.isForEveryUser ?? false)
  const place = new ServicePlace(folder, await freePort(), await freePort(), options)
  for (const [name, text] of Object.entries(options.files ?? {})) place.write(name, text)
  onFinish(() => place.dispose())
  return place
}

/** Starts `cservice <words>` in a place of its own and waits until it says that it runs. */
export async function startService(words: readonly string[], options: ServiceOptions = {}): Promise<ServicePlace> {
  const place = await servicePlace(options)
  await place.start(words)
  return place
}

/** Where one service runs at a time, and what is asked of it. */
export class ServicePlace {
  readonly folder: string
  readonly controlPort: number
  readonly port: number
  readonly #accessKey: string | null
  readonly #deadline: number
  readonly #mark = randomUUID()
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | null = null
  #stdout = () => ''
  #stderr = () => ''
  #exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }> = Promise.resolve({ code: null, signal: null })

  /** Use `servicePlace`; this one undoes nothing. */
  constructor(folder: string, controlPort: number, port: number, options: ServiceOptions) {
    this.folder = folder
    this.controlPort = controlPort
    this.port = port
    this.#accessKey = options.accessKey === undefined ? 'test-key' : options.accessKey
    this.#deadline = options.deadline ?? 20_000
    this.#env = {
      ...process.env,
      NO_COLOR: '1',
      CSERVICE_ACCESS_KEY: '',
      XDG_RUNTIME_DIR: join(folder, 'run'),
      PORT: String(port),
      ...options.env,
      [markVariable]: this.#mark,
    }
  }

  /** Puts a file into the folder. @returns its path */
  write(name: string, text: string): string {
    const path = join(this.folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async start(words: readonly string[]): Promise<void> {
    this.spawn(words)
    const isOver = () => this.hasExited || startIsOver.test(this.stdout)
    await eventually('the end of the start', isOver, this.#deadline).catch((error: unknown) => {
      throw new Error(`the service did not become ready\n${this.output}`, { cause: error })
    })
    if (this.hasExited) throw new Error(`the service ended at once (${this.#child?.exitCode})\n${this.output}`)
  }

  /** Starts it and does not wait. */
  spawn(words: readonly string[]): void {
    if (this.#child !== null && !this.hasExited) throw new Error('a service runs here already')
    const child = spawn(process.execPath, [this.#program('cservice'), ...this.#withAddress(words, true)], {
      cwd: this.folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#stdout = collect(child.stdout)
    this.#stderr = collect(child.stderr)
    // 'exit', not 'close': processes that outlive their supervisor keep its output open.
    this.#exit = new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      child.once('error', reject)
    })
    this.#exit.catch(() => {})
  }

  /** Of the process that was started here. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('no service was started')
    return this.#child.pid
  }

  get hasExited(): boolean {
    return this.#child !== null && (this.#child.exitCode !== null || this.#child.signalCode !== null)
  }

  get stdout(): string {
    return this.#stdout()
  }

  get stderr(): string {
    return this.#stderr()
  }

  get output(): string {
    return `${this.stdout}${this.stderr}`
  }

  /** Runs `cservice <words>` with its control port to the end. */
  cservice(...words: string[]): Promise<Outcome> {
    return run(process.execPath, [this.#program('cservice'), ...this.#withAddress(words, false)], this.#context)
  }

  /** The same with `cserviced`, which is given the access key as well. */
  cserviced(...words: string[]): Promise<Outcome> {
    return run(process.execPath, [this.#program('cserviced'), ...this.#withAddress(words, true)], this.#context)
  }

  /** A command over REST: nothing is spawned, so the moment of the answer is known. */
  async rest(line: string, headers: Readonly<Record<string, string>> = {}): Promise<RestOutcome> {
    const res = await this.call(line, { 'x-cservice': '1', ...headers })
    const body = JSON.parse(await res.text())
    return { status: res.status, ...body }
  }

  /** The same, with the answer as old scripts get it. */
  call(line: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const authorization = `Bearer ${this.#accessKey}`
    return fetch(`http://localhost:${this.controlPort}/cli?${new URLSearchParams({ cmd: line })}`, {
      method: 'POST',
      headers: { authorization, ...headers },
    })
  }

  /** The answer of a command that must succeed. */
  async command<Answer = unknown>(line: string): Promise<Answer> {
    const outcome = await this.rest(line)
    if ('error' in outcome) throw new Error(`${line}: ${JSON.stringify(outcome)}\n${this.output}`)
    return outcome.result as Answer
  }

  /** Why a command that must fail has failed. */
  async failure(line: string): Promise<{ code: string; message: string }> {
    const outcome = await this.rest(line)
    if (!('error' in outcome)) throw new Error(`${line} succeeded: ${JSON.stringify(outcome)}`)
    return outcome.error
  }

  async workers(): Promise<ListedWorker[]> {
    return (await this.command<{ workers: ListedWorker[] }>('workers')).workers
  }

  /** The pids of its ready workers; of those of one name, if one is given. */
  async pids(name?: string): Promise<number[]> {
    const workers = await this.workers()
    return workers.filter((worker) => worker.state === 'ready' && (name ?? worker.name) === worker.name).map(pidOf)
  }

  /** Waits until it has so many workers, all of them ready and none besides. */
  async untilReady(count: number, deadline = 15_000): Promise<number[]> {
    return await eventually(
      `${count} ready workers and no other`,
      async () => {
        const workers = await this.workers()
        return workers.length === count && workers.every(({ state }) => state === 'ready') && workers.map(pidOf)
      },
      deadline,
    )
  }

  /** Kills a worker and waits until another is there in its place. @returns the pids after that */
  async killAndRecover(pid: number, count: number): Promise<number[]> {
    process.kill(pid, 'SIGKILL')
    return await eventually(`${count} ready workers without ${pid}`, async () => {
      const pids = await this.pids()
      return pids.length === count && !pids.includes(pid) && pids
    })
  }

  /** The body of a GET to PORT, on a connection of its own. */
  async ask(path = '/'): Promise<string> {
    const res = await fetch(`http://127.0.0.1:${this.port}${path}`, { headers: { connection: 'close' } })
    return await res.text()
  }

  /** Every process that belongs to it, orphans included; on Linux only. */
  processes(): RunningProcess[] {
    return processesMarked(markVariable, this.#mark)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** How it ended. @throws when it has not within `timeout` milliseconds */
  async exited(timeout = endDeadline): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    await eventually('the end of the service', () => this.hasExited, timeout).catch((error: unknown) => {
      throw new Error(`the service runs on\n${this.output}`, { cause: error })
    })
    return await this.#exit
  }

  /** SIGTERM, and how it ended. */
  async stop(timeout = endDeadline): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.kill('SIGTERM')
    return await this.exited(timeout)
  }

  async untilGone(): Promise<void> {
    const left = () => this.processes().map(({ pid, command }) => `${pid} ${command}`)
    await eventually('the end of every process', () => left().length === 0, endDeadline).catch((error: unknown) => {
      throw new Error(`processes are left:\n${left().join('\n')}\n${this.output}`, { cause: error })
    })
    await eventually('a free control port', () => isPortFree(this.controlPort), 5_000)
  }

  /** Stops it whatever state it is in, and checks that nothing is left. */
  async dispose(): Promise<void> {
    try {
      if (this.#child !== null && !this.hasExited) await this.stop()
      await this.untilGone()
    } finally {
      for (const { pid } of this.processes()) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    }
  }

  #program(name: 'cservice' | 'cserviced'): string {
    return join(this.folder, `node_modules/cservice/dist/cli/${name}.js`)
  }

  get #context() {
    return { cwd: this.folder, env: this.#env }
  }

  #withAddress(words: readonly string[], isStart: boolean): string[] {
    const key = isStart && this.#accessKey !== null ? ['--accessKey', this.#accessKey] : []
    const options = ['--port', String(this.controlPort), ...key]
    const end = words.indexOf('--')
    return end === -1 ? [...words, ...options] : [...words.slice(0, end), ...options, ...words.slice(end)]
  }
}

function pidOf({ pid }: ListedWorker): number {
  return pid
}
