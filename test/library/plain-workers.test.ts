import { chmodSync } from 'node:fs'
import { expect, test } from 'vitest'
import { head, programs, said } from './programs.ts'

const server = `
  const http = require('node:http')
  http.createServer((req, res) => res.end(String(process.pid))).listen(Number(process.env.PORT), '127.0.0.1')`

/** A worker that is ready when it says so, and says what it is sent. */
const speaking = `
  const cservice = require('cservice')
  cservice.workerReady(false)
  setTimeout(() => cservice.workerReady(), 200)
  process.on('message', (message) => {
    if (message.tell) cservice.trigger('told', process.pid, message.tell)
  })`

test('start answers when the workers are ready, and not before', async () => {
  const { run } = await programs({
    'worker.js': `
      const cservice = require('cservice')
      cservice.workerReady(false)
      cservice.trigger('loaded').then(() => cservice.workerReady())`,
    'program.cjs': `${head}
      process.chdir(__dirname)
      let loaded = 0
      cservice.on('loaded', (event, cb) => { setTimeout(() => { loaded++; cb() }, 300) })
      cservice.start({ workers: 'worker.js', workerCount: 2, port }, async (error) => {
        say([error, loaded, cservice.workers.length])
        for (const { pid, cservice: facts } of cservice.workers) say([pid > 0, { ...facts, cwd: facts.cwd === __dirname, worker: facts.worker.replace(__dirname, '.') }])
        say([await cservice.stop(), cservice.workers.length])
      })`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  const facts = { name: 'main', worker: './worker.js', cwd: true, count: 2, restart: true, reason: 'start' }
  expect(said(outcome.stdout)).toEqual([
    [null, 2, 2],
    [true, facts],
    [true, facts],
    ['Shutting down...', 0],
  ])
  expect(outcome.code).toBe(0)
})

test('start again adds workers, and newWorker one more', async () => {
  const { run } = await programs({
    'worker.js': speaking,
    'other.js': `${speaking}
      cservice.on('who', (event, cb) => cb(null, [process.pid, process.env.MINE]))`,
    'program.cjs': `${head}
      process.chdir(__dirname)
      async function main() {
        await cservice.start({ workers: { one: { worker: 'worker.js', count: 1 } }, port })
        await cservice.start({ workers: { two: { worker: 'other', count: 1 } } })
        say(cservice.workers.map(({ cservice }) => cservice.name))
        const worker = await cservice.newWorker({ worker: './other.js', MINE: 'yes' })
        const { workers } = await cservice.trigger('who')
        say(workers.find(({ pid }) => pid === worker.pid).result[1])
        cservice.newWorker({ worker: './nowhere.js' }, async (error, worker) => {
          say([error.message.split(':')[0], worker, cservice.workers.length])
          await cservice.stop()
        })
      }
      main()`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([['one', 'two'], 'yes', ['Worker not found', null, 3]])
})

test('workers.send reaches every worker', async () => {
  const { run } = await programs({
    'worker.js': speaking,
    'program.cjs': `${head}
      process.chdir(__dirname)
      const told = new Map()
      cservice.on('told', async (event, cb, pid, what) => {
        cb()
        told.set(pid, what)
        if (told.size < 2) return
        say(cservice.workers.map(({ pid }) => told.get(pid)))
        await cservice.stop()
      })
      cservice.start({ workers: 'worker.js', workerCount: 2, port }, () => cservice.workers.send({ tell: 'all' }))`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([['all', 'all']])
})

test('workerStart and workerExit tell of every worker, and why', async () => {
  const { run } = await programs({
    'worker.js': speaking,
    'program.cjs': `${head}
      process.chdir(__dirname)
      const events = []
      let happened = () => {}
      for (const name of ['workerStart', 'workerExit']) {
        cservice.on(name, (event, cb, worker, reason) => {
          cb()
          events.push([name, worker.pid, reason, worker.cservice.name])
          happened()
        })
      }
      const until = (count) => new Promise((resolve) => {
        happened = () => events.length === count && resolve()
        happened()
      })
      async function main() {
        await cservice.start({ workers: 'worker.js', workerCount: 1, port })
        const [first] = cservice.workers
        await cservice.trigger('restart', 'all')
        await until(3)
        const [second] = cservice.workers
        second.process.kill('SIGKILL')
        await until(5)
        const [third] = cservice.workers
        await cservice.stop()
        await until(6)
        const names = new Map([[first.pid, 'first'], [second.pid, 'second'], [third.pid, 'third']])
        for (const [name, pid, reason, worker] of events) say([name, names.get(pid), reason, worker])
      }
      main()`,
  })
  const outcome = await run('program.cjs')
  expect(said(outcome.stdout)).toEqual([
    ['workerStart', 'first', 'start', 'main'],
    ['workerStart', 'second', 'restart', 'main'],
    ['workerExit', 'first', 'restart', 'main'],
    ['workerExit', 'second', 'failure', 'main'],
    ['workerStart', 'third', 'failure', 'main'],
    ['workerExit', 'third', expect.stringMatching(/^(shutdown|scale)$/), 'main'],
  ])
})

test('a worker that cannot start is an error of start, once, and nothing is left', async () => {
  const { run } = await programs({
    'crash.js': "throw new Error('cannot find the database')",
    'program.cjs': `${head}
      process.chdir(__dirname)
      let calls = 0
      cservice.start({ workers: 'crash.js', workerCount: 3, port }, (error) => {
        say([++calls, error.code, error.details.stderr.some((line) => line.includes('cannot find the database'))])
        say([cservice.locals.state, cservice.workers.length])
      })`,
  })
  const outcome = await run('program.cjs')
  expect(said(outcome.stdout)).toEqual([
    [1, 'WORKER_FAILED', true],
    [0, 0],
  ])
  expect(outcome.code).toBe(0)
})

test('the master module has the service of the program, and of the command line', async () => {
  const { run } = await programs({
    'worker.js': speaking,
    'master.js': `
      const cservice = require('cservice')
      cservice.on('of.the.module', (event, cb) => cb(null, [cservice.workers.length, event.service === cservice]))
      cservice.trigger('of.the.module', (error, result) => {
        console.log(JSON.stringify([error, result, cservice.options.master.endsWith('master.js')]))
        cservice.stop()
      })`,
    'program.cjs': `${head}
      process.chdir(__dirname)
      cservice.start({ workers: 'worker.js', workerCount: 1, master: './master.js', port })`,
    'command-line.mjs': `
      process.chdir(import.meta.dirname)
      process.argv.splice(2, Infinity, 'worker.js', '--workerCount=1', '--master=./master.js', '--cli=false', '--port=' + process.env.CONTROL_PORT)
      const { href } = new URL('./cli/cservice.js', import.meta.resolve('cservice'))
      await import(href)`,
  })
  const program = await run('program.cjs')
  expect(program.stderr).toBe('')
  expect(said(program.stdout)).toEqual([[null, [1, true], true]])
  const commandLine = await run('command-line.mjs', { CSERVICE_LOG_LEVEL: 'silent' })
  expect(commandLine.stdout).toContain('[null,[1,true],true]\n')
  expect(commandLine.code).toBe(0)
})

test('a master module may start more workers', async () => {
  const { run } = await programs({
    'worker.js': speaking,
    'master.mjs': `
      import cservice from 'cservice'
      await cservice.start({ workers: { more: { worker: './worker.js', count: 1 } } })`,
    'program.cjs': `${head}
      process.chdir(__dirname)
      cservice.start({ workers: 'worker.js', workerCount: 1, master: './master.mjs', port }, async (error) => {
        say([error, cservice.workers.map(({ cservice }) => cservice.name)])
        await cservice.stop()
      })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([[null, ['main', 'more']]])
})

test('a program without options is started as the command line is', async () => {
  const { run } = await programs({
    'worker.js': speaking,
    'program.cjs': `${head}
      process.chdir(__dirname)
      process.argv = [...process.argv.slice(0, 2), './worker.js', '--worker-count', '2', '--port', String(port)]
      cservice.start(async (error) => {
        say([error, cservice.workers.length, cservice.options.workerCount])
        process.argv.splice(2, 1, 'health')
        say(await cservice.start())
        await cservice.stop()
      })`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([[null, 2, 2], 'OK'])
})

test('commands do through trigger what they always did', async () => {
  const { run } = await programs({
    'config.json': JSON.stringify({ workers: { main: { worker: './worker.js', count: 2 } } }),
    'worker.js': speaking,
    'never.js': "require('cservice').workerReady(false)",
    'program.cjs': `${head}
      process.chdir(__dirname)
      const run = (...words) => cservice.trigger(...words).catch((error) => error.message)
      async function main() {
        await cservice.start({ config: 'config.json', port })
        say([cservice.workers.length, await run('start', './worker', { count: 1 }), cservice.workers.length])
        say([await run('start'), await run('start', './never', { timeout: 100 }), cservice.workers.length])
        say([await run('restart', 'GG'), await run('restart', 0), await run('restart', 'all'), cservice.workers.length])
        say([await run('upgrade', 'all', './worker.js'), cservice.workers.length])
        say((await run('help', 'health')).info)
        say(await run('exit'))
        await cservice.start({ config: undefined })
        say([cservice.workers.length, await cservice.stop(), await run('restart', 'all')])
      }
      main()`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([
    [2, '1 workers started successfully', 3],
    ['Invalid request. Try help start', 'timed out', 3],
    ['Invalid request. Try help restart', 'Invalid request. Try help restart', '3 workers restarted successfully', 3],
    ['3 workers upgraded successfully', 3],
    'Returns health of service. May be overidden by service to expose app-specific data.',
    "Invalid request, 'now' required. Try help exit",
    [3, 'Shutting down...', 'Event restart not found'],
  ])
})

test('messages that workers send for themselves disturb no command, and reach the program', async () => {
  const { run } = await programs({
    'worker.js': `
      setInterval(() => { for (let i = 0; i < 20; i++) process.send({ cservice: 'not ours', i }) }, 1)
      process.send(null)
      process.send({ cservice: { cmd: 'processDetails' } })`,
    'program.cjs': `${head}
      process.chdir(__dirname)
      cservice.start({ workers: 'worker.js', workerCount: 2, port }, async () => {
        let heard = 0
        cservice.workers[0].on('message', () => heard++)
        for (let i = 0; i < 20; i++) {
          await cservice.trigger('info')
          await cservice.trigger('workers')
        }
        say([(await cservice.trigger('workers')).workers.length, heard > 0])
        await cservice.stop()
      })`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([[2, true]])
})

test('a worker of a plain service that dies while its call is under way costs nothing', async () => {
  const { run } = await programs({
    'worker.js': `
      const cservice = require('cservice')
      cservice.workerReady()
      process.on('message', () => {
        cservice.trigger('slow')
        cservice.trigger('no.such', () => {})
        process.disconnect()
        process.kill(process.pid, 'SIGKILL')
      })`,
    'program.cjs': `${head}
      process.chdir(__dirname)
      let exits = 0
      cservice.on('slow', (event, cb) => setTimeout(cb, 200, null, 'too late'))
      cservice.on('workerExit', (event, cb, worker, reason) => { cb(); exits++ })
      cservice.on('workerStart', async (event, cb, worker, reason) => {
        if (reason !== 'failure') return
        await new Promise((resolve) => setTimeout(resolve, 300))
        say([exits, reason, await cservice.stop()])
      })
      cservice.start({ workers: 'worker.js', workerCount: 1, port }, () => cservice.workers.send('die'))`,
  })
  const outcome = await run('program.cjs', { CSERVICE_LOG_LEVEL: 'silent' })
  expect(said(outcome.stdout)).toEqual([[1, 'failure', 'Shutting down...']])
  expect(outcome.code).toBe(0)
})

test.runIf(process.getuid?.() === 0)('a worker that runs as another user may not do what needs trust', async () => {
  const { folder, run } = await programs(
    {
      'worker.js': `
      const cservice = require('cservice')
      cservice.workerReady(false)
      Promise.all(['exit', 'shutdown', 'version'].map((name) => cservice.trigger(name, 'now').catch((error) => error.code)))
        .then((answers) => cservice.trigger('tell', process.getuid() !== 0, answers))
        .then(() => cservice.workerReady())`,
      'program.cjs': `${head}
      process.chdir(__dirname)
      cservice.on('tell', (event, cb, isDemoted, answers) => {
        say([isDemoted, event.caller.level, answers])
        cb()
      })
      cservice.start({ workers: 'worker.js', workerCount: 1, workerUid: 'nobody', port }, (error) => {
        say(error)
        cservice.stop()
      })`,
    },
    true,
  )
  chmodSync(folder, 0o755)
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([
    [true, 'remote', ['NOT_AUTHORISED', 'NOT_AUTHORISED', expect.any(String)]],
    null,
  ])
})

test('stop with a deadline ends what does not stop by itself', async () => {
  const { run } = await programs({
    'worker.js': `
      require('cservice').workerReady({ onWorkerStop() {} })
      process.on('SIGTERM', () => {})
      setInterval(() => {}, 1000)`,
    'program.cjs': `${head}
      process.chdir(__dirname)
      cservice.start({ workers: 'worker.js', workerCount: 1, port }, () => {
        const begun = Date.now()
        cservice.stop(500, (error, text) => say([error, text, Date.now() - begun < 10000]))
      })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([[null, 'Shutting down...', true]])
})

test('unmodified servers of a program share their port, and a worker may use the library as its program does', async () => {
  const { run } = await programs({
    'server.js': `${server}
      const cservice = require('cservice')
      cservice.start({ workers: null }, () => { throw new Error('never') })
      cservice.on('pid', (event, cb) => cb(null, process.pid))`,
    'program.mjs': `
      import { once } from 'node:events'
      import net from 'node:net'
      import cservice from 'cservice'
      process.chdir(import.meta.dirname)
      const probe = net.createServer().listen(0, '127.0.0.1')
      await once(probe, 'listening')
      const { port } = probe.address()
      await new Promise((resolve) => probe.close(resolve))
      await cservice.start({
        workers: { web: { worker: './server.js', count: 2, PORT: String(port) } },
        port: Number(process.env.CONTROL_PORT),
      })
      const pids = cservice.workers.map(({ pid }) => pid)
      const answer = Number(await (await fetch('http://127.0.0.1:' + port)).text())
      const { workers } = await cservice.trigger('pid')
      console.log(JSON.stringify([pids.includes(answer), workers.every(({ pid, result }) => pids.includes(pid) && pid === result)]))
      await cservice.stop(30_000)`,
  })
  const outcome = await run('program.mjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([[true, true]])
  expect(outcome.code).toBe(0)
})
