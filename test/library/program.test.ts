import { join } from 'node:path'
import { expect, test } from 'vitest'
import { place } from '../cli/programs.ts'
import { run } from '../support/run.ts'
import { head, installed, programs, said } from './programs.ts'

test('a service starts and stops, by callback and by promise, and the program then ends by itself', async () => {
  const { run } = await programs({
    'callbacks.cjs': `${head}
      say(cservice.locals.state)
      cservice.start({ workers: null, port }, (error) => {
        say([error, cservice.locals.state])
        cservice.stop(30000, (error, text) => say([error, text, cservice.locals.state]))
      })
      say(cservice.locals.state)`,
    'promises.mjs': `
      import { start, stop } from 'cservice'
      console.log(JSON.stringify(await start({ workers: null, port: Number(process.env.CONTROL_PORT) })))
      console.log(JSON.stringify(await stop()))
      console.log(JSON.stringify(await stop()))`,
  })
  const callbacks = await run('callbacks.cjs')
  expect(callbacks.stderr).toBe('')
  expect(callbacks.code).toBe(0)
  expect(said(callbacks.stdout)).toEqual([0, 1, [null, 2], [null, 'Shutting down...', 0]])
  const promises = await run('promises.mjs')
  expect(promises.code).toBe(0)
  expect(said(promises.stdout)).toEqual([null, 'Shutting down...', 'Not running'])
})

test('a command that comes while the service is starting waits until there is one', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      cservice.start({ workers: null, port })
      cservice.trigger('health', (error, text) => {
        say([error, text])
        cservice.stop()
      })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([[null, 'OK']])
})

test('stopping what does not run is answered, not an error', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      cservice.stop(30000, (error, text) => say([error, text]))
      cservice.stop((error, text) => say([error, text]))`,
  })
  const outcome = await run('program.cjs')
  expect(said(outcome.stdout)).toEqual([
    [null, 'Not running'],
    [null, 'Not running'],
  ])
  expect(outcome.code).toBe(0)
})

test('a wrong option is an error of start, and nothing runs then', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      cservice.start({ workers: './nowhere', port }, async (error) => {
        say(error.message.replace(process.cwd(), '.'))
        say(cservice.locals.state)
        await cservice.start({ workers: null, port: 'x' }).catch((error) => say(error.code))
        await cservice.start({ workers: null, port })
        say(cservice.locals.state)
        await cservice.stop()
      })`,
  })
  const outcome = await run('program.cjs')
  expect(said(outcome.stdout)).toEqual([expect.stringMatching(/^Worker not found: '/), 0, 'BAD_USAGE', 2])
  expect(outcome.code).toBe(0)
})

test('options or levels that are no object are an error, and nothing is started', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      async function main() {
        for (const options of ['config.json', 7, []]) say((await cservice.start(options).catch(failed)).code)
        for (const levels of [null, 7]) try { cservice.control(levels) } catch (error) { say(error.code) }
        say(cservice.locals.state)
      }
      main()`,
  })
  const outcome = await run('program.cjs')
  expect(said(outcome.stdout)).toEqual([...Array(5).fill('BAD_USAGE'), 0])
})

test('calls of start and stop that come at once take turns', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      const options = { workers: null, port }
      const calls = [cservice.start(options), cservice.start(options), cservice.stop(), cservice.start(options), cservice.stop()]
      say(cservice.locals.isBusy)
      Promise.all(calls).then((answers) => say([answers, cservice.locals.isBusy]))`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([true, [[null, null, 'Shutting down...', null, 'Shutting down...'], false]])
})

test('stop ends a start whose workers are not ready, and a module of the master may call it', async () => {
  const { run } = await programs({
    'slow.cjs': "require('cservice').workerReady(false); setInterval(() => {}, 1000)",
    'master.mjs': `import cservice from 'cservice'
      console.log(JSON.stringify(await cservice.stop()))`,
    'program.cjs': `${head}
      async function main() {
        const starting = cservice.start({ workers: __dirname + '/slow.cjs', workerCount: 1, port }).catch(failed)
        cservice.on('workerStart', async () => say(await cservice.stop()))
        say((await starting).code)
        say((await cservice.start({ workers: null, master: __dirname + '/master.mjs', port }).catch(failed)).code)
        say(cservice.locals.state)
      }
      main()`,
  })
  const outcome = await run('program.cjs')
  const [first, second, ...rest] = said(outcome.stdout)
  expect([first, second]).toEqual(expect.arrayContaining(['Shutting down...', 'CANCELLED']))
  expect(rest).toEqual(['Shutting down...', 'CANCELLED', 0])
})

test('what a callback throws is thrown, and the callback is not called again', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      process.once('uncaughtException', (error) => say('thrown: ' + error.message))
      cservice.stop((error, text) => { say(text); throw new Error('mine') })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual(['Not running', 'thrown: mine'])
})

test('trigger runs commands with values of any kind, at any level', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      cservice.on('early', (event, cb, value) => cb(null, [event.name, value]))
      cservice.on('closed', Object.assign((event, cb) => cb(null, 'open to the program'), { control: () => 'disabled' }))
      async function main() {
        say(await cservice.trigger('early', { before: 'start' }))
        await cservice.start({ workers: null, port })
        const value = { function: () => 7, map: new Map([[1, 2]]) }
        cservice.on('values', async (event, cb, given, text) => [given === value, given.function(), typeof text])
        say(await cservice.trigger('values', value, '7'))
        say(await cservice.trigger('early', { after: 'start' }))
        say(await cservice.trigger('closed'))
        await new Promise((done) => cservice.trigger('early', (error, result) => done(say([error, result])), 1))
        say(await cservice.trigger('health'))
        cservice.on('health', (event, cb) => cb(null, { mine: event.service === cservice, state: event.locals.state }), true)
        say(await cservice.trigger('health'))
        await cservice.stop()
      }
      main()`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([
    ['early', { before: 'start' }],
    [true, 7, 'string'],
    ['early', { after: 'start' }],
    'open to the program',
    [null, ['early', 1]],
    'OK',
    { mine: true, state: 2 },
  ])
})

test('an unknown command is one error: to the callback or as a rejection, and never kills the program', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      async function main(state) {
        await cservice.trigger('no.such').catch((error) => say(failed(error)))
        await new Promise((resolve) => cservice.trigger('no.such', (error) => resolve(say(failed(error)))))
        cservice.trigger('no.such', 1, 2)
        await new Promise(setImmediate)
      }
      main().then(() => cservice.start({ workers: null, port })).then(() => main()).then(() => cservice.stop())`,
  })
  const outcome = await run('program.cjs')
  const error = { code: 'UNKNOWN_COMMAND', message: 'Event no.such not found' }
  expect(said(outcome.stdout)).toEqual([error, error, error, error])
  expect(outcome.code).toBe(0)
})

test('of a level that a program sets and one that a command brings, the later one holds, also before start', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      cservice.control({ early: 'remote', late: 'remote' })
      for (const name of ['early', 'late'])
        cservice.on(name, Object.assign(async () => 1, { control: () => 'local' }))
      cservice.control({ late: 'inproc' })
      async function main() {
        await cservice.start({ workers: null, port })
        say([cservice.locals.events.early.level, cservice.locals.events.late.level])
        await cservice.stop()
      }
      main()`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([['local', 'inproc']])
})

test('a program that starts from its command line keeps the key in the environment from its workers', async () => {
  const { run } = await programs({
    'worker.cjs': `process.env.CSERVICE_ACCESS_KEY && console.error('leaked'); require('cservice').workerReady()`,
    'program.cjs': `${head}
      process.argv.push(__dirname + '/worker.cjs', '--port=' + port, '--workerCount=1')
      async function main() {
        await cservice.start()
        say([cservice.options.accessKey, process.env.CSERVICE_ACCESS_KEY ?? null])
        await cservice.stop()
      }
      main()`,
  })
  const outcome = await run('program.cjs', { CSERVICE_ACCESS_KEY: 'K' })
  expect(said(outcome.stdout)).toEqual([['K', null]])
  expect(outcome.stderr).not.toContain('leaked')
})

test('levels that a program sets hold for other programs', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      const run = (line) => cservice.start({ run: line, port }).catch(failed)
      cservice.control({ mine: 'inproc' })
      cservice.on('mine', (event, cb) => cb(null, 'mine'))
      try { cservice.control({ mine: 'everyone' }) } catch (error) { say(failed(error)) }
      cservice.start({ workers: null, port }, async () => {
        say(await run('mine'))
        cservice.control({ mine: 'local' })
        say(await run('mine'))
        cservice.control({ health: 'disabled' })
        say(await run('health'))
        await cservice.stop()
      })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([
    { code: 'BAD_USAGE', message: 'everyone is not a valid control level.' },
    { code: 'NOT_AUTHORISED', message: "Not authorized to execute 'mine' remotely" },
    'mine',
    { code: 'NOT_AUTHORISED', message: "Not authorized to execute 'health' remotely" },
  ])
})

test('directories of commands are registered by the names of their files, or by their ids', async () => {
  const { run } = await programs({
    'commands/custom.js': "module.exports = (evt, cb, text) => cb(null, 'custom ' + text)",
    'more/other.js': "module.exports = (evt, cb) => cb(null, evt.name); module.exports.id = 'customName'",
    'program.cjs': `${head}
      process.chdir(__dirname)
      const registered = cservice.registerCommands('commands,more')
      cservice.start({ workers: null, port }, async () => {
        await registered
        say([await cservice.trigger('custom', 'text'), await cservice.trigger('customName')])
        await cservice.registerCommands(['./nowhere']).catch((error) => say(error.code))
        await cservice.registerCommands(7).catch((error) => say(failed(error)))
        await cservice.stop()
      })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([
    ['custom text', 'customName'],
    'CONFIG_INVALID',
    {
      code: 'BAD_USAGE',
      message: "Option 'commands' must be a comma-delimited string or an array of strings.",
    },
  ])
})

test('a second program on the same port attaches: its commands go to the service that runs', async () => {
  const { start, run } = await programs({
    'first.cjs': `${head}
      cservice.on('who', (event, cb, ...words) => cb(null, ['first', ...words]))
      cservice.start({ workers: null, port }, () => say('up'))`,
    'second.cjs': `${head}
      cservice.start({ workers: null, port }, async (error) => {
        say([error, cservice.locals.isAttached, cservice.locals.state])
        say(await cservice.trigger('who', 'is there', 7, { a: 1 }))
        await cservice.trigger('nobody').catch((error) => say(error.code))
        say(await cservice.stop())
        say(cservice.locals.isAttached)
      })`,
    // When the second has ended, the first still runs.
    'third.cjs': `${head} cservice.start({ run: 'who', port }, (error, result) => say([error, result]))`,
  })
  const first = start('first.cjs')
  await first.until('stdout', /up/)
  const second = await run('second.cjs')
  expect(said(second.stdout)).toEqual([
    [null, true, 2],
    ['first', 'is there', 7, { a: 1 }],
    'UNKNOWN_COMMAND',
    'Not running',
    false,
  ])
  expect(second.code).toBe(0)
  expect(said((await run('third.cjs')).stdout)).toEqual([[null, ['first']]])
})

test('run without a service that could run it is an error', async () => {
  const { run } = await programs({
    'program.cjs': `${head} cservice.start({ run: 'health', port }, (error, result) => say([error.code, result]))`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([['NO_GATEWAY', null]])
})

test('a service that is stopped by a command is stopped for its program too', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      cservice.start({ workers: null, port }, async () => {
        say(await cservice.start({ run: 'shutdown all', port }))
        const wait = () => cservice.locals.state === 0 ? cservice.stop().then(say) : setImmediate(wait)
        wait()
      })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual(['Shutting down...', 'Not running'])
})

test('options and locals show what the service runs with', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      cservice.start({ workers: null, port, accessKey: 'mine' }, async () => {
        const { accessKey, restartConcurrencyRatio, cli } = cservice.options
        say([accessKey, restartConcurrencyRatio, cli])
        const { events, reason, isBusy, options, workerProcesses } = cservice.locals
        say([events.shutdown.level, events.workerStart.level, reason, isBusy, options.accessKey, workerProcesses])
        say([cservice.isMaster, cservice.isPrimary, cservice.isWorker, cservice.workers.length])
        cservice.workers.send('nobody hears it')
        cservice.workerReady()
        await cservice.stop()
      })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([
    ['mine', 0.33, false],
    ['local', 'inproc', null, false, 'mine', {}],
    [true, true, false, 0],
  ])
})

test('log, error and debug go where the program wants them; results are always printed', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      cservice.log('nobody asked for it')
      cservice.results('printed')
      const log = (...values) => say(['log', ...values])
      cservice.start({ workers: null, port, log, error: false, debug: undefined }, async () => {
        cservice.log('a', 1)
        cservice.error('detached')
        cservice.debug('no console')
        cservice.results('b')
        await cservice.stop()
      })`,
  })
  const outcome = await run('program.cjs')
  const own = outcome.stdout.split('\n').filter((line) => !line.includes('stopping'))
  expect(own).toEqual(['printed', '["log","a",1]', '["log","b"]', ''])
  expect(outcome.stderr).toBe('')
})

test('the log of the service goes where the program wants it', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      const lines = []
      const sink = (name) => (...values) => lines.push([name, ...values])
      cservice.start({ workers: null, port, log: sink('log'), error: sink('error'), debug: sink('debug') }, async () => {
        await cservice.trigger('health')
        await cservice.stop()
        say(lines.find(([, text]) => text === 'command'))
        say(lines.find(([, text]) => text === 'stopping'))
      })`,
  })
  const outcome = await run('program.cjs')
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([
    ['debug', 'command', expect.objectContaining({ command: 'health' })],
    ['log', 'stopping', { reason: 'stop' }],
  ])
})

test('a sink of the program that fails is no failure of the service', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      const log = () => { throw new Error('full') }
      cservice.start({ workers: null, port, log }, (error) => cservice.stop().then((text) => say([error, text])))`,
  })
  const outcome = await run('program.cjs')
  expect(said(outcome.stdout)).toEqual([[null, 'Shutting down...']])
  expect(outcome.code).toBe(0)
})

test('with cli a program has a console, which takes the lines of its input', async () => {
  const folder = installed({
    'program.cjs': `${head}
      cservice.on('mine', (event, cb, word) => cb(null, 'of the program: ' + word))
      cservice.start({ workers: null, port, cli: true }, () => cservice.log('it is up'))`,
  })
  const { port, runtime } = await place()
  const outcome = await run(process.execPath, [join(folder, 'program.cjs')], {
    env: { ...process.env, XDG_RUNTIME_DIR: runtime, TMPDIR: runtime, CONTROL_PORT: String(port) },
    input: 'mine word\nshutdown all\n',
  })
  expect(outcome.stdout).toContain('it is up')
  expect(outcome.stdout).toContain('of the program: word')
  expect(outcome.stdout).toContain('Shutting down...')
  expect(outcome.code).toBe(0)
})

test('messages and sending never throw', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      const message = cservice.msgBus.createMessage('hello', { to: 'you' })
      say([message, cservice.msgBus.isValidMessage(message)])
      say([null, {}, { cservice: null }, { cservice: {} }, 'x'].map(cservice.msgBus.isValidMessage))
      say(cservice.processSafeSend(process, message).message)
      const child = require('node:child_process').fork(__filename, { env: { ...process.env, CHILD: '1' }, silent: true })
      child.on('exit', () => {
        const error = cservice.processSafeSend(child, message)
        setImmediate(() => say(error === undefined || error.code))
      })`.replace('const child =', 'if (process.env.CHILD) process.exit()\n      const child ='),
  })
  const outcome = await run('program.cjs')
  expect(said(outcome.stdout)).toEqual([
    [{ cservice: { to: 'you', cmd: 'hello' } }, true],
    [false, false, false, false, false],
    'There is no IPC channel',
    true,
  ])
  expect(outcome.stderr).toBe('')
})

test('servers of a program are waited for and closed', async () => {
  const { run } = await programs({
    'program.cjs': `${head}
      const server = require('node:http').createServer()
      cservice.netServers.add(server)
      cservice.netStats(server)
      server.listen(0, '127.0.0.1')
      cservice.netServers.waitForReady(() => {
        say(server.listening)
        cservice.netServers.close().then(() => say(server.listening))
      })`,
  })
  expect(said((await run('program.cjs')).stdout)).toEqual([true, false])
})
