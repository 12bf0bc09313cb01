import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { freePort, temporaryDirectory } from '../supervisor/control/resources.ts'

export const cservice = fileURLToPath(new URL('../../dist/cli/cservice.js', import.meta.url))
export const cserviced = fileURLToPath(new URL('../../dist/cli/cserviced.js', import.meta.url))
export const gateway = fileURLToPath(new URL('./fixtures/gateway.mjs', import.meta.url))
export const daemon = fileURLToPath(new URL('./fixtures/daemon.mjs', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  /** Resolves when the output so far matches; rejects when the program ends before it does. */
  until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<string>
}

/** An environment of its own, so that no other gateway on the machine is seen, and a free control port. */
export async function place() {
  const runtime = temporaryDirectory()
  const environment = {
    ...process.env,
    XDG_RUNTIME_DIR: runtime,
    TMPDIR: runtime,
    CSERVICE_ACCESS_KEY: '',
    NO_COLOR: '1',
  }
  const port = await freePort()
  const start = (program: string, argv: readonly string[], extra: NodeJS.ProcessEnv = {}) =>
    startProgram(program, [`--port=${port}`, ...argv], { ...environment, ...extra })
  const run = (program: string, argv: readonly string[], extra: NodeJS.ProcessEnv = {}) =>
    start(program, argv, extra).finished
  const runWithoutPort = (program: string, argv: readonly string[], extra: NodeJS.ProcessEnv = {}) =>
    startProgram(program, argv, { ...environment, ...extra }).finished
  return { runtime, port, start, run, runWithoutPort, directory: `${runtime}/cservice/${port}` }
}

function startProgram(program: string, argv: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(process.execPath, [program, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      output[stream] += chunk
    })
  }
  const finished = once(child, 'close').then(([code]) => ({ code, ...output }))
  const until = (stream: 'stdout' | 'stderr', pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => pattern.test(output[stream]) && resolve(output[stream])
      child[stream].on('data', look)
      void finished.then(({ code }) =>
        reject(new Error(`ended with ${code} before ${pattern}: ${JSON.stringify(output)}`)),
      )
      look()
    })
  return { child, finished, until }
}
