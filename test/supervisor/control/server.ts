import http from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import type { Command } from '../../../src/supervisor/control/command.ts'
import { ControlServer, type ControlServerOptions } from '../../../src/supervisor/control/control-server.ts'
import { EventStreamParser, type StreamedEvent } from '../../../src/supervisor/control/event-stream-parser.ts'
import { freePort, registryOf, temporaryDirectory } from './resources.ts'

/** A control server with the access key KEY on a free port of 127.0.0.1, until the test ends. */
export async function openControl(commands: Command[] = [], options: Partial<ControlServerOptions> = {}) {
  const registry = registryOf(...commands)
  const directory = temporaryDirectory()
  const port = await freePort()
  const log = silentLog()
  const server = await ControlServer.open({
    registry,
    directory,
    port,
    host: '127.0.0.1',
    accessKey: 'KEY',
    log,
    ...options,
  })
  onTestFinished(() => server.kill())
  return { server, registry, port, directory, socket: join(directory, 'control.sock') }
}

export interface Watcher {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly events: Array<StreamedEvent & { readonly value: Record<string, unknown> }>
  /** Waits until an event fits. */
  until(fits: (value: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  /** Resolves when the stream has ended; whether that was in order. */
  readonly ended: Promise<boolean>
  close(): void
}

/** Watches `GET /events` of a port or socket. */
export async function watch(to: number | string, headers: http.OutgoingHttpHeaders = {}): Promise<Watcher> {
  const where = typeof to === 'number' ? { host: '127.0.0.1', port: to } : { socketPath: to, host: 'localhost' }
  const req = http.request({ ...where, path: '/events', agent: false, headers })
  onTestFinished(() => void req.destroy())
  req.end()
  const res = await new Promise<http.IncomingMessage>((resolve, reject) => {
    req.on('response', resolve)
    req.on('error', reject)
  })
  const events: Watcher['events'] = []
  const wakeUps = new Set<() => void>()
  const parser = new EventStreamParser((event) => {
    events.push({ ...event, value: JSON.parse(event.data) })
    for (const wake of [...wakeUps]) wake()
  })
  res.on('data', (chunk: Buffer) => res.statusCode === 200 && parser.push(chunk))
  res.on('error', () => {})
  const ended = new Promise<boolean>((resolve) => res.on('close', () => resolve(res.complete)))
  const until: Watcher['until'] = (fits) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = events.find(({ value }) => fits(value))
        if (!found) return
        wakeUps.delete(look)
        resolve(found.value)
      }
      wakeUps.add(look)
      void ended.then(() => reject(new Error(`the stream ended; received ${JSON.stringify(events)}`)))
      look()
    })
  return { status: res.statusCode ?? 0, headers: res.headers, events, until, ended, close: () => void req.destroy() }
}
