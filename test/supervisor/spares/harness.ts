import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { silentLog } from '../../../dist/common/log.js'
import type { Launch } from '../../../dist/supervisor/launch.js'
import type { Pool } from '../../../dist/supervisor/pool.js'
import type { PoolSpec } from '../../../dist/supervisor/pool-spec.js'
import { Supervisor } from '../../../dist/supervisor/supervisor.js'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-ports.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const mebibyte = 1024 * 1024
export const plenty = 512 * mebibyte

export interface Reserve {
  readonly supervisor: Supervisor
  /** What the workers have written, with their prefixes. */
  readonly output: () => string
  /** Resolves when so many spares wait. */
  untilReady(count?: number): Promise<void>
  /** Pids of the spares, booting ones included. */
  pids(): number[]
  /** A pool whose workers may come from the reserve, unless told otherwise. */
  pool(file: string, more?: Partial<Launch> & { readonly startTimeout?: number }): Promise<Pool>
}

/** A supervisor in this process with a reserve of real processes; all is stopped when the test is over. */
export async function openReserve(count = 1, memoryLimit = plenty): Promise<Reserve> {
  let written = ''
  const sink = new Writable({
    write(chunk, _encoding, callback) {
      written += chunk
      callback()
    },
  })
  const supervisor = await Supervisor.open({
    directory: temporaryFolder(),
    log: silentLog(),
    output: { stdout: sink, stderr: sink },
    spares: { count, memoryLimit },
  })
  onTestFinished(() => supervisor.kill())
  return {
    supervisor,
    output: () => written,
    async untilReady(wanted = count) {
      await eventually(`${wanted} spares wait`, () => supervisor.spares.ready === wanted)
    },
    pids: () => supervisor.spares.wards.map(({ pid }) => pid),
    async pool(file, { startTimeout = 20_000, ...more } = {}) {
      const port = more.port ?? (await freePort())
      const { env = {}, ...rest } = more
      const spec: PoolSpec = {
        name: 'v1',
        startTimeout,
        stopTimeout: 5_000,
        restart: { firstDelay: 1, maxDelay: 10, stableAfter: 10_000, giveUpAfter: 3 },
        launch: async () => ({
          file,
          kind: 'agent',
          mayBeSpare: true,
          cwd: dirname(file),
          port,
          waitsFor: `listen on PROXY_PORT ${port}`,
          ...rest,
          env: { PROXY_PORT: String(port), ...env },
        }),
      }
      return supervisor.createPool(spec)
    },
  }
}

/** Writes files, by their relative paths, into a folder that is removed when the test is over. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** A worker that answers its pid. */
export const answersPid = `require('node:http')
  .createServer((_req, res) => res.end(String(process.pid)))
  .listen(Number(process.env.PROXY_PORT), '127.0.0.1')`

export async function ask(pool: Pool): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${pool.readyWorkers[0]?.port}/`)).text()
}
