import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import type { Command } from '../../../src/supervisor/control/command.ts'
import { CommandRegistry } from '../../../src/supervisor/control/command-registry.ts'

/** A directory that goes when the test ends; its path is short enough for sockets. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'cs-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Sets variables of this process's environment until the test ends. */
export function setEnvironment(values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name]
    onTestFinished(() => assign(name, before))
    assign(name, value)
  }
}

function assign(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

/** A port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A promise and the functions that settle it. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

export function command(name: string, run: Command['run'], rest: Partial<Command> = {}): Command {
  return { name, level: 'remote', isVisible: true, help: {}, run, ...rest }
}

export function registryOf(...commands: Command[]): CommandRegistry {
  const registry = new CommandRegistry(silentLog())
  for (const each of commands) registry.register(each)
  return registry
}

/** A registry, and what it says in its log at the level info. */
export function registryThatSays(): { registry: CommandRegistry; said: string[] } {
  const log = silentLog()
  const said: string[] = []
  log.info = (...args: unknown[]) => void said.push(String(args.at(-1)))
  return { registry: new CommandRegistry(log), said }
}
