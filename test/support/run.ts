import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Outcome {
  /** null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end.
 * @throws when it has not ended after `timeout` milliseconds; it is killed then
 */
export async function run(
  program: string,
  words: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number; input?: string } = {},
): Promise<Outcome> {
  const child = spawn(program, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  child.stdin.on('error', () => {}) // it may end without reading
  child.stdin.end(options.input ?? '')
  const timeout = options.timeout ?? 60_000
  const { code, signal } = await ended(child, timeout).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw new Error(`${program} ${words.join(' ')}: no end within ${timeout} ms\n${stdout()}\n${stderr()}`, {
      cause: error,
    })
  })
  return { code, signal, stdout: stdout(), stderr: stderr() }
}

/** How a child ended. @throws after `timeout` milliseconds */
export async function ended(
  child: ChildProcess,
  timeout: number,
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode !== null || child.signalCode !== null) return { code: child.exitCode, signal: child.signalCode }
  const [code, signal] = (await once(child, 'close', { signal: AbortSignal.timeout(timeout) })) as [
    number | null,
    NodeJS.Signals | null,
  ]
  return { code, signal }
}

/** What a stream has said so far, as text. */
export function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
