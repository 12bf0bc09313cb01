import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import type { OnFinish } from '../support/on-finish.ts'
import { processesMarked } from '../support/processes.ts'
import { collect, ended, type Outcome } from '../support/run.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { programs } from './programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What is installed, and what it is called by. */
const packages = {
  old: {
    library: join(root, 'node_modules/cluster-service'),
    programs: 'node_modules/cluster-service/bin/',
    ending: '',
  },
  ours: { library: root, programs: 'dist/cli/', ending: '.js' },
} as const

export interface RestAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  /** Parsed, if it is JSON. */
  readonly body: unknown
}

/** A program that runs. */
export interface Started {
  readonly child: ChildProcess
  readonly finished: Promise<Outcome>
  /** Standard output so far. */
  output(): string
}

const deadline = 20_000

/** One of the two packages, with a folder of programs, a control port and a port for `web.js` of its own. */
export class Side {
  readonly name: keyof typeof packages
  readonly folder: string
  readonly port: number
  readonly webPort: number
  readonly #environment: NodeJS.ProcessEnv
  readonly #onFinish: OnFinish

  static async open(name: keyof typeof packages, onFinish: OnFinish): Promise<Side> {
    return new Side(name, await freePort(), await freePort(), onFinish)
  }

  private constructor(name: keyof typeof packages, port: number, webPort: number, onFinish: OnFinish) {
    this.name = name
    this.port = port
    this.webPort = webPort
    this.#onFinish = onFinish
    this.folder = temporaryFolder(onFinish)
    onFinish(() => this.#killAll())
    mkdirSync(join(this.folder, 'run'), { mode: 0o700 })
    mkdirSync(join(this.folder, 'elsewhere'))
    // Both are installed by the old name, as `npm install cluster-service@npm:cservice` does.
    mkdirSync(join(this.folder, 'node_modules'))
    symlinkSync(packages[name].library, join(this.folder, 'node_modules/cluster-service'))
    for (const [path, text] of Object.entries(programs)) this.write(path, text)
    this.#environment = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NO_COLOR: '1',
      XDG_RUNTIME_DIR: join(this.folder, 'run'),
      TMPDIR: join(this.folder, 'run'),
      WEB_PORT: String(webPort),
      CONTROL_PORT: String(port),
    }
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    writeFileSync(join(this.folder, path), text)
  }

  /** null: there is no such file. */
  read(path: string): string | null {
    const file = join(this.folder, path)
    return existsSync(file) ? readFileSync(file, 'utf8') : null
  }

  /** Names of the variables that were there before a worker was started. */
  get variables(): readonly string[] {
    return Object.keys(this.#environment)
  }

  /** `cservice` with these words, and the control port. */
  start(...words: string[]): Started {
    return this.#start([this.#program('cservice'), ...words, '--port', String(this.port)])
  }

  /** `cserviced` with these words, to its end. */
  startDaemon(...words: string[]): Promise<Outcome> {
    return this.#start([this.#program('cserviced'), ...words, '--port', String(this.port)]).finished
  }

  /** The same, to its end. Nothing can be typed into it. */
  run(...words: string[]): Promise<Outcome> {
    const started = this.start(...words)
    started.child.stdin?.end()
    return started.finished
  }

  /** A program of the folder, to its end. */
  runProgram(path: string): Promise<Outcome> {
    return this.#start([join(this.folder, path)]).finished
  }

  /** A service that is healthy and answers; its standard input stays open, as on a terminal. */
  async service(...words: string[]): Promise<Started> {
    const started = this.start(...words)
    await this.untilHealthy()
    return started
  }

  async untilHealthy(): Promise<void> {
    await eventually(`${this.name}: health`, async () => (await this.command('health')).status === 200, deadline)
  }

  /** Until `web.js` answers, which the old package does not wait for. */
  async untilServing(): Promise<void> {
    await eventually(`${this.name}: an answer of web.js`, () => this.web(), deadline)
  }

  /** The answer of `web.js`. */
  async web(): Promise<Record<string, unknown>> {
    // A worker that is killed can take a connection with it.
    const signal = AbortSignal.timeout(2_000)
    const res = await fetch(`http://127.0.0.1:${this.webPort}/`, { headers: { connection: 'close' }, signal })
    return (await res.json()) as Record<string, unknown>
  }

  /** The answer of a command over REST. */
  async command(line: string): Promise<{ status: number; body: unknown }> {
    const { status, body } = await this.rest('POST', `/cli?cmd=${encodeURIComponent(line)}&accessKey=KEY`)
    return { status, body }
  }

  /** The rows of `workers`; asked again while it says that some worker did not answer in time. */
  async workers(): Promise<Array<Record<string, unknown>>> {
    const body = await eventually(`${this.name}: workers`, async () => {
      const answer = await this.command('workers')
      return answer.status === 200 && answer.body
    })
    return (body as { workers: Array<Record<string, unknown>> }).workers
  }

  rest(method: string, path: string, body = ''): Promise<RestAnswer> {
    return new Promise((resolve, reject) => {
      const headers = body === '' ? {} : { 'content-length': Buffer.byteLength(body) }
      const options = { host: '127.0.0.1', port: this.port, method, path, headers, agent: false, timeout: deadline }
      const req = http.request(options, (res) => {
        const text = collect(res)
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: parse(text()) }))
        res.on('error', reject)
      })
      req.on('timeout', () => req.destroy(new Error(`${this.name} did not answer ${method} ${path} ${body}`)))
      req.on('error', reject)
      req.end(body)
    })
  }

  #program(name: string): string {
    const { programs, ending } = packages[this.name]
    return join(root, `${programs}${name}${ending}`)
  }

  /** All that was started here, workers and daemons too. */
  #killAll(): void {
    for (const { pid } of processesMarked('XDG_RUNTIME_DIR', join(this.folder, 'run'))) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it has gone by itself
      }
    }
  }

  #start(words: readonly string[]): Started {
    const child = spawn(process.execPath, words, { cwd: this.folder, env: this.#environment })
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.stdin.on('error', () => {})
    const finished = ended(child, 60_000).then((end) => ({ ...end, stdout: stdout(), stderr: stderr() }))
    finished.catch(() => {})
    this.#onFinish(async () => {
      child.kill('SIGKILL')
      await finished.catch(() => {})
    })
    return { child, finished, output: stdout }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
