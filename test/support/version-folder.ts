import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type FixtureWorker, fixtureWorker } from './fixture-worker.ts'
import { freePort, freePortRange } from './free-ports.ts'
import { type OnFinish, onTestFinish } from './on-finish.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** A worker program of the library, or the text of one. */
export type WorkerSource = FixtureWorker | { readonly text: string }

export interface VersionFolder {
  /** The folder that holds proxy.json and the versions. */
  readonly path: string
  /** Absolute path of proxy.json. */
  readonly config: string
  /** Of the first binding. */
  readonly port: number
  /** What proxy.json was written with. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Adds a version, or replaces its worker file. Other files of the version are written beside it. */
  add(version: string, worker: WorkerSource, files?: Readonly<Record<string, string>>): string
  remove(version: string): void
}

/**
 * A temporary folder with versions and a proxy.json for them, on free ports.
 *
 * @param versions name → worker, for example `{ v1: 'http', v2: 'crash' }`
 * @param settings keys of proxy.json that replace the small defaults: `workerFilename: 'worker'` (without an extension)
 *   where a worker is no Node program
 */
export async function versionFolder(
  versions: Readonly<Record<string, WorkerSource>>,
  settings: Readonly<Record<string, unknown>> = {},
  onFinish: OnFinish = onTestFinish,
): Promise<VersionFolder> {
  const path = temporaryFolder(onFinish)
  const port = await freePort()
  const all: Record<string, unknown> = {
    defaultVersion: Object.keys(versions)[0],
    workerCount: 1,
    bindings: [{ port, host: '127.0.0.1', workerCount: 1 }],
    versionPorts: await freePortRange(20),
    ...settings,
  }
  const workerFilename = typeof all.workerFilename === 'string' ? all.workerFilename : 'worker.js'
  const config = join(path, 'proxy.json')
  writeFileSync(config, `${JSON.stringify(all, null, 2)}\n`)
  const add: VersionFolder['add'] = (version, worker, files = {}) => {
    const folder = join(path, version)
    mkdirSync(folder, { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    writeFileSync(join(folder, workerFilename), programText(worker, workerFilename))
    chmodSync(join(folder, workerFilename), 0o755)
    return folder
  }
  for (const [version, worker] of Object.entries(versions)) add(version, worker)
  return {
    path,
    config,
    port: firstPort(all.bindings) ?? port,
    settings: all,
    add,
    remove: (version) => rmSync(join(path, version), { recursive: true, force: true }),
  }
}

/** `bindings` for a folder: one on a free port, with that many proxy processes. */
export async function bindingsWith(workerCount: number): Promise<Array<Record<string, unknown>>> {
  return [{ port: await freePort(), host: '127.0.0.1', workerCount }]
}

/** A few lines that run the program from where it stands, so that it finds `cservice` and `ws`. */
function programText(worker: WorkerSource, workerFilename: string): string {
  if (typeof worker === 'object') return worker.text
  const program = fixtureWorker(worker)
  const isScript = ['.py', '.sh'].includes(extname(program))
  switch (extname(workerFilename)) {
    case '.js':
    case '.mjs':
    case '.cjs':
      if (isScript) throw new Error(`a ${worker} worker needs a workerFilename without .js`)
      return workerFilename.endsWith('.cjs') || program.endsWith('.cjs')
        ? `require(${JSON.stringify(program)})\n`
        : `import ${JSON.stringify(pathToFileURL(program).href)}\n`
    default:
      return isScript ? `#!/bin/sh\nexec '${program}'\n` : `#!/bin/sh\nexec '${process.execPath}' '${program}'\n`
  }
}

function firstPort(bindings: unknown): number | null {
  const first = Array.isArray(bindings) ? (bindings[0] as { port?: unknown } | undefined) : undefined
  return typeof first?.port === 'number' ? first.port : null
}
