import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { run } from './run.ts'

/** Beside the worker: a line for each request that it failed. */
const failuresFile = 'failures'

/** What `startLoad` asks for, in one file that needs nothing else; says in x-failed-by when it fails a request itself. */
const program = `import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const { version, sample } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
let count = 0
http.createServer(async (req, res) => {
  const digest = createHash('sha256')
  for await (const chunk of req) digest.update(chunk)
  res.setHeader('x-worker-version', version).setHeader('x-worker-pid', process.pid)
  count += 1
  if (sample.failsEvery !== null && count % sample.failsEvery === 0) {
    appendFileSync(new URL(${JSON.stringify(failuresFile)}, import.meta.url), req.method + ' ' + req.url + '\\n')
    res.writeHead(500, { 'x-failed-by': 'application' }).end('failed by the application')
  } else if (req.url.startsWith('/stream')) {
    const { searchParams } = new URL(req.url, 'http://localhost')
    for (let chunk = 1; chunk <= Number(searchParams.get('chunks')); chunk += 1) {
      res.write(chunk + ' ' + process.pid + '\\n')
      await delay(Number(searchParams.get('interval')))
    }
    res.end()
  } else {
    res.end(JSON.stringify({ url: req.url, sha256: digest.digest('hex') }))
  }
}).listen(process.env.PROXY_PORT)
`

export interface SampleApp {
  readonly version: string
  /** It answers 500 to every n-th request of each worker; null: to none. */
  readonly failsEvery: number | null
}

/** The files of a release of the sample app, by name. */
export function sampleApp({ version, failsEvery }: SampleApp): Record<'package.json' | 'worker.js', string> {
  const about = { name: 'sample-app', version, type: 'module', files: ['worker.js'], sample: { failsEvery } }
  return { 'package.json': JSON.stringify(about), 'worker.js': program }
}

/** The tarball that `npm pack` makes of a release; offline. @param folder where it is made */
export async function npmPack(app: SampleApp, folder: string): Promise<string> {
  const source = join(folder, app.version)
  mkdirSync(source)
  for (const [name, text] of Object.entries(sampleApp(app))) writeFileSync(join(source, name), text)
  const words = ['pack', '--offline', '--json', '--pack-destination', folder]
  const env = { ...process.env, npm_config_cache: join(folder, 'npm-cache'), npm_config_update_notifier: 'false' }
  const { code, stdout, stderr } = await run('npm', words, { cwd: source, env })
  expect(code, stderr).toBe(0)
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(folder, filename)
}

/** How many requests a release says to have failed. @param folder of the version, as the gateway has it */
export function failuresOf(folder: string): number {
  return readFileSync(join(folder, failuresFile), 'utf8').split('\n').length - 1
}
