import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freePort } from '../../support/free-ports.ts'
import { folderWith, openReserve } from './harness.ts'

// Everything that a program can see of where it runs, as JSON in the file `seen`. What is left out differs in every process
// (pid, times), or is said in docs/adr/0007-warm-spares.md.
const look = `
const look = (about) => ({
  ...about,
  argv: process.argv,
  argv0: process.argv0,
  execArgv: process.execArgv,
  execPath: process.execPath,
  env: Object.entries(process.env),
  cwd: process.cwd(),
  title: process.title,
  umask: process.umask(),
  ids: [process.getuid(), process.getgid(), process.getgroups()],
  exitCode: String(process.exitCode),
  hasMainModule: process.mainModule?.filename ?? null,
  mainModule: Object.getOwnPropertyDescriptor(process, 'mainModule') === undefined ? 'none' : typeof process.mainModule,
  preloaded: process._preload_modules,
  handles: process._getActiveHandles().map((handle) => handle.constructor.name),
  resources: process.getActiveResourcesInfo().filter((name) => name !== 'ConnectWrap' && name !== 'Immediate'),
  processListeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  stdoutListeners: process.stdout.eventNames().map((name) => [String(name), process.stdout.listenerCount(name)]),
  streams: [process.stdout, process.stderr, process.stdin].map((stream) => [stream.constructor.name, stream.isTTY, stream.fd]),
  globals: Object.getOwnPropertyNames(globalThis).sort(),
  globalSymbols: Object.getOwnPropertySymbols(globalThis).map(String).sort(),
  ownOfProcess: Object.getOwnPropertyNames(process).sort(),
  ipc: [typeof process.send, process.connected, process.channel],
  stackTraceLimit: Error.stackTraceLimit,
  stack: new Error('here').stack.split('\\n').filter((line) => !line.includes('node:internal')),
  httpDefaults: { ...http.globalAgent.options, path: undefined },
  agentSockets: [http.globalAgent.sockets, http.globalAgent.freeSockets, http.globalAgent.requests].map((all) => Object.keys(all)),
  listen: http.Server.prototype.listen.length,
  intl: Intl.DateTimeFormat().resolvedOptions(),
  report: [process.report.directory, process.report.filename, process.report.reportOnSignal],
  coercion: [(process.env.PROBE = 1, process.env.PROBE), delete process.env.PROBE, process.env.PROBE, 'PROXY_PORT' in process.env],
  grandchild: require('node:child_process').execFileSync('env', { encoding: 'utf8' }).split('\\n'),
})
const finish = (seen) => http
  .createServer((_req, res) => res.end('ok'))
  .listen(Number(process.env.PROXY_PORT), '127.0.0.1', function () {
    seen.handlesLater = process._getActiveHandles().map((handle) => handle.constructor.name)
    require('node:fs').writeFileSync('seen', JSON.stringify(seen))
  })
`
const commonJs = `
const http = require('node:http')
const Module = require('node:module')
${look}
finish(look({
  isMain: require.main === module,
  isMainModule: process.mainModule === module,
  module: { ...module, exports: null, children: module.children.map(({ id }) => id) },
  parent: module.parent,
  parentOfModule: String(module.parent),
  cache: Object.keys(require.cache),
  modulePaths: [module.paths, require.resolve.paths('x'), Module.globalPaths],
  extensions: Object.keys(require.extensions),
  names: [__filename, __dirname],
  thisIsExports: this === module.exports,
  own: require('own-package'),
  mainOfOther: require('./other.cjs'),
}))
`
const esModule = `
import http from 'node:http'
import { createRequire } from 'node:module'
import own from 'own-package'
const require = createRequire(import.meta.url)
${look}
const before = await Promise.resolve('awaited')
finish(look({
  before,
  own,
  meta: { url: import.meta.url, dirname: import.meta.dirname, filename: import.meta.filename, main: import.meta.main },
  resolved: import.meta.resolve('own-package'),
  keysOfMeta: Object.keys(import.meta),
  requireMain: String(require.main),
  cache: Object.keys(require.cache),
  this: String(this),
  data: (await import('data:text/javascript,export default 1')).default,
}))
`
const ownPackage = {
  'node_modules/own-package/package.json': '{ "name": "own-package", "main": "index.js", "version": "7.0.0" }',
  'node_modules/own-package/index.js': 'module.exports = { from: __filename }',
}

it.each<[string, string, Record<string, string>]>([
  ['CommonJS', 'worker.cjs', { 'worker.cjs': commonJs }],
  ['CommonJS by the lack of a package.json', 'worker.js', { 'worker.js': commonJs }],
  ['CommonJS by its package.json', 'worker.js', { 'worker.js': commonJs, 'package.json': '{ "type": "commonjs" }' }],
  ['an ES module by its name', 'worker.mjs', { 'worker.mjs': esModule }],
  ['an ES module by its package.json', 'worker.js', { 'worker.js': esModule, 'package.json': '{ "type": "module" }' }],
  ['an ES module by its syntax', 'worker.js', { 'worker.js': esModule, 'package.json': '{}' }],
  ...((process.features as { typescript?: unknown }).typescript
    ? ([['TypeScript', 'worker.ts', { 'worker.ts': esModule, 'package.json': '{ "type": "module" }' }]] as [
        string,
        string,
        Record<string, string>,
      ][])
    : []),
])('a worker from the reserve sees what any other sees: %s', async (_name, file, files) => {
  const folder = folderWith({ ...ownPackage, 'other.cjs': 'module.exports = require.main.filename', ...files })
  const reserve = await openReserve()
  const port = await freePort()
  const see = async (mayBeSpare: boolean) => {
    await reserve.untilReady()
    const [spare] = reserve.pids()
    const pool = await reserve.pool(join(folder, file), { mayBeSpare, port, args: ['--one', 'two three', ''] })
    await pool.scale(1, 'start')
    expect(pool.workers[0]?.pid === spare).toBe(mayBeSpare)
    await pool.stop()
    return JSON.parse(readFileSync(join(folder, 'seen'), 'utf8'))
  }
  const ordinary = await see(false)
  expect(await see(true)).toEqual(ordinary)
  expect(ordinary.cwd).toBe(folder)
  expect(ordinary.argv.slice(1)).toEqual([join(folder, file), '--one', 'two three', ''])
  expect(ordinary.own.from).toBe(join(folder, 'node_modules/own-package/index.js'))
})

it('the program of a spare is nowhere in the stack of an error, and the main module is where it begins', async () => {
  const folder = folderWith({
    'worker.cjs': `console.error(new Error('where').stack); ${'require'}('node:http').createServer().listen(process.env.PROXY_PORT)`,
  })
  const reserve = await openReserve()
  await reserve.untilReady()
  await (await reserve.pool(join(folder, 'worker.cjs'))).scale(1, 'start')
  expect(reserve.output()).toContain('Error: where')
  expect(reserve.output()).not.toContain('spare-program')
})

it('what a worker reports as its uptime begins with its life, not with that of the spare', async () => {
  const folder = folderWith({
    'worker.cjs': `const born = process.uptime()
      ${'require'}('node:http').createServer((_req, res) => res.end(String(born))).listen(process.env.PROXY_PORT)`,
  })
  const reserve = await openReserve()
  await reserve.untilReady()
  const pool = await reserve.pool(join(folder, 'worker.cjs'))
  await pool.scale(1, 'start')
  const [worker] = pool.workers
  await worker?.refresh(5_000)
  const born = Number(await (await fetch(`http://127.0.0.1:${worker?.port}`)).text())
  expect(born).toBeGreaterThan(0)
  expect(worker?.metrics?.uptime).toBeLessThanOrEqual((Date.now() - (worker?.startedAt ?? 0)) / 1_000 + 0.1)
})
