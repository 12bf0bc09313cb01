import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { silentLog } from '../../dist/common/log.js'
import { restartCommand } from '../../dist/supervisor/commands/restart.js'
import { shutdownCommand } from '../../dist/supervisor/commands/shutdown.js'
import { startCommand } from '../../dist/supervisor/commands/start.js'
import { upgradeCommand } from '../../dist/supervisor/commands/upgrade.js'
import { workersCommand } from '../../dist/supervisor/commands/workers.js'
import { CommandRegistry } from '../../dist/supervisor/control/command-registry.js'
import { PlainWorkers } from '../../dist/supervisor/plain/plain-workers.js'
import type { WorkerEntry } from '../../dist/supervisor/plain/worker-entry.js'
import { Supervisor } from '../../dist/supervisor/supervisor.js'
import { freePort } from './free-ports.ts'
import { onTestFinish } from './on-finish.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** A supervisor with plain workers and their commands, in this process; its workers are real ones of `node:cluster`. */
export interface PlainService {
  readonly supervisor: Supervisor
  readonly plain: PlainWorkers
  /** A folder for programs; `write` puts one there. */
  readonly folder: string
  /** A free port, which programs find in PORT. */
  readonly port: number
  readonly defaults: Omit<WorkerEntry, 'name' | 'file'>
  write(name: string, text: string): string
  entry(file: string, changes?: Partial<WorkerEntry>): WorkerEntry
  /** The answer of a command. */
  run(line: string): Promise<unknown>
  pids(): number[]
  /** The body of `GET /`, on a connection of its own. */
  ask(path?: string): Promise<string>
}

export async function plainService(options: { ratio?: number } = {}): Promise<PlainService> {
  const folder = temporaryFolder()
  const directory = join(folder, 'run')
  mkdirSync(directory, { mode: 0o700 })
  const output = { stdout: process.stderr, stderr: process.stderr }
  const supervisor = await Supervisor.open({ directory, log: silentLog(), output })
  onTestFinish(() => supervisor.kill())
  const port = await freePort()
  const plain = new PlainWorkers(supervisor, silentLog())
  const defaults = {
    cwd: folder,
    count: 2,
    isImmune: false,
    args: [],
    env: { PORT: String(port) },
    uid: null,
    gid: null,
    limits: { memory: null, upTime: null, unresponsive: null },
    restartDelay: 100,
    isSilent: true,
  }
  const registry = new CommandRegistry(silentLog())
  const ratio = options.ratio ?? 0.33
  registry.register(startCommand(plain, defaults))
  registry.register(restartCommand(supervisor, ratio))
  registry.register(upgradeCommand(supervisor, plain, ratio))
  registry.register(workersCommand(supervisor))
  registry.register(
    shutdownCommand({ supervisor, stopService: (timeout) => supervisor.stop(timeout), isIdle: async () => false }),
  )
  return {
    supervisor,
    plain,
    folder,
    port,
    defaults,
    write(name, text) {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    },
    entry: (file, changes = {}) => ({ ...defaults, name: 'main', file, ...changes }),
    run: (line) => registry.run(line, { level: 'inproc', name: 'test' }),
    pids: () => supervisor.workers.map(({ pid }) => pid as number),
    async ask(path = '/') {
      const res = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
      return await res.text()
    },
  }
}

/** A web server without anything of ours: answers `<word> <pid>`, and `/slow?ms=` later. */
export function webServer(word: string): string {
  return `
    const http = require('node:http')
    http.createServer((req, res) => {
      const { pathname, searchParams } = new URL(req.url, 'http://localhost')
      setTimeout(() => res.end('${word} ' + process.pid), pathname === '/slow' ? Number(searchParams.get('ms')) : 0)
    }).listen(process.env.PORT)
  `
}
