import { type ChildProcess, spawn } from 'node:child_process'
import net from 'node:net'
import { extname } from 'node:path'
import { eventually } from './eventually.ts'
import { type FixtureWorker, fixtureWorker } from './fixture-worker.ts'
import { freePort } from './free-ports.ts'
import { type OnFinish, onTestFinish } from './on-finish.ts'
import { collect, ended } from './run.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface RunningWorker {
  readonly child: ChildProcess
  readonly pid: number
  /** Its PROXY_PORT. */
  readonly port: number
  /** Without a slash at the end. */
  readonly url: string
  /** What it has said so far. */
  stdout(): string
  stderr(): string
}

/**
 * Runs a worker program without a gateway, in a folder of its own, and waits until it accepts on its PROXY_PORT. It is
 * killed when the test is over.
 *
 * @param worker one of the library, or the absolute path of a program
 */
export async function startWorker(
  worker: FixtureWorker | (string & {}),
  options: {
    version?: string
    env?: Readonly<Record<string, string>>
    cwd?: string
    onFinish?: OnFinish
    deadline?: number
  } = {},
): Promise<RunningWorker> {
  const onFinish = options.onFinish ?? onTestFinish
  const port = await freePort()
  const program = worker.startsWith('/') ? worker : fixtureWorker(worker as FixtureWorker)
  const [command, words] = ['.py', '.sh'].includes(extname(program)) ? [program, []] : [process.execPath, [program]]
  const child = spawn(command, words, {
    cwd: options.cwd ?? temporaryFolder(onFinish),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PROXY_PORT: String(port), CSERVICE_VERSION: options.version ?? 'v1', ...options.env },
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  onFinish(async () => {
    child.kill('SIGKILL')
    await ended(child, 5_000)
  })
  const hasExited = () => child.exitCode !== null || child.signalCode !== null
  const what = `${worker} on port ${port}`
  await eventually(what, () => hasExited() || accepts(port), options.deadline ?? 10_000)
  if (hasExited()) throw new Error(`${what} ended (${child.exitCode ?? child.signalCode}): ${stderr()}`)
  return { child, pid: child.pid as number, port, url: `http://127.0.0.1:${port}`, stdout, stderr }
}

/** Whether something accepts connections on that port of 127.0.0.1 now. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
