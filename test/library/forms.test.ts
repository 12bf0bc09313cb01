import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run } from '../support/run.ts'
import { head, installed, programs, said } from './programs.ts'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

test('import and require give one and the same library, and no warning', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      import('cservice').then((module) => {
        say(module.default === cservice)
        say(module.start === cservice.start && module.workerReady === cservice.workerReady)
        say(module.CserviceError === cservice.CserviceError)
        say(Object.keys(cservice).sort())
      })`,
    'program.mjs': `import cservice, { start, trigger, workerReady } from 'cservice'
      console.log(start === cservice.start, trigger === cservice.trigger, workerReady === cservice.workerReady)`,
  })
  const required = await run('program.cjs')
  expect(required.stderr).toBe('')
  const [isDefault, isNamed, isError, members] = said(required.stdout)
  expect([isDefault, isNamed, isError]).toEqual([true, true, true])
  expect(members).toEqual(
    [
      ...['CserviceError', 'control', 'debug', 'error', 'isMaster', 'isPrimary', 'isWorker', 'locals', 'log', 'msgBus'],
      ...['netServers', 'netStats', 'newWorker', 'on', 'options', 'processSafeSend', 'proxy', 'registerCommands'],
      ...['results', 'start', 'stop', 'trigger', 'workerReady', 'workers'],
    ].sort(),
  )
  expect(await run('program.mjs')).toEqual({ code: 0, stdout: 'true true true\n', stderr: '' })
})

test('several copies of the library in one process share everything', async () => {
  const { run } = await programs({
    'program.mjs': `
      const one = await import('cservice')
      const { href } = new URL('?copy', import.meta.resolve('cservice'))
      const two = await import(href)
      console.log(one.CserviceError !== undefined && one !== two, one.default === two.default)`,
  })
  expect(await run('program.mjs')).toEqual({ code: 0, stdout: 'true true\n', stderr: '' })
})

test('loading the library loads a few small files and no package', () => {
  const { files, packages } = staticImports(join(dist, 'index.js'))
  expect([...packages]).toEqual([])
  expect(files.size).toBeLessThan(25)
  const bytes = [...files].reduce((sum, file) => sum + readFileSync(file).length, 0)
  expect(bytes).toBeLessThan(100_000)
})

test('the types are right for those who import and for those who require', async () => {
  const folder = installed({
    'imports.mts': `
      import cservice, { CserviceError, type StartOptions, start, trigger, workerReady } from 'cservice'
      const options: StartOptions = { workers: { main: { worker: 'w.js', count: 2, MY_VARIABLE: 'x' } }, port: 1 }
      export const started: Promise<unknown> = start(options)
      start(options, (error) => { const e: Error | null = error; void e })
      start((error) => void error)
      export const stopped: Promise<string> = cservice.stop(1000)
      cservice.stop((_error, text) => { const t: string | undefined = text; void t })
      cservice.on('flush', (event, cb, key: string, times: number) => cb(null, [event.name, key.length + times]))
      cservice.on('later', async ({ service }) => service.workers.length)
      const command = (_event: unknown, cb: (error?: unknown, result?: unknown) => void) => cb()
      cservice.on('leveled', Object.assign(command, { control: () => 'local' as const, visible: false }))
      export const flushed: Promise<unknown> = trigger('flush', 'a', 1)
      trigger('flush', (error, result: number[]) => { void error; void result }, 'a', 1)
      cservice.control({ flush: 'local' })
      // @ts-expect-error no such level
      cservice.control({ flush: 'everyone' })
      // @ts-expect-error a port is a number
      start({ port: '1' })
      workerReady(false)
      workerReady({ onWorkerStop() { process.exit() } })
      for (const worker of cservice.workers) { const pid: number = worker.pid + worker.cservice.count; void pid }
      cservice.workers.send({ hello: 1 })
      export const why = (error: unknown) => (error instanceof CserviceError ? error.code : null)
      export const state: 0 | 1 | 2 = cservice.locals.state
      cservice.proxy.promote('v2', { workerCount: 2 }, (error) => void error)
    `,
    'requires.cts': `
      import cservice = require('cservice')
      cservice.workerReady(false)
      export const started: Promise<unknown> = cservice.start({ workers: null })
      cservice.on('x', (_event, cb) => cb(null, 1))
      cservice.trigger('x', (_error, result: number) => void result)
      // @ts-expect-error a command has a name
      cservice.on(1, () => {})
    `,
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...{ target: 'es2023', lib: ['es2023'], module: 'nodenext', strict: true, noEmit: true, types: ['node'] },
        ...{ exactOptionalPropertyTypes: true, skipLibCheck: false },
        typeRoots: [join(dist, '../node_modules/@types')],
      },
      include: ['*.mts', '*.cts'],
    }),
  })
  const compiler = join(dist, '../node_modules/typescript/bin/tsc')
  const { code, stdout } = await run(process.execPath, [compiler, '-p', folder])
  expect(stdout).toBe('')
  expect(code).toBe(0)
})

/** What is loaded together with a file: by `import … from` and `export … from`, not by `import()`. */
function staticImports(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    for (const [, source = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export) (?:[^'"=;()]* from )?['"]([^'"]+)['"];$/gm,
    )) {
      if (source.startsWith('.')) visit(join(file, '..', source))
      else if (!source.startsWith('node:')) packages.add(source)
    }
  }
  visit(entry)
  return { files, packages }
}
