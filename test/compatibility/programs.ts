/** The little programs that both packages run: name of a file to its text. */
export const programs: Readonly<Record<string, string>> = {
  'web.js': `
    const http = require('node:http')
    const facts = () => ({
      pid: process.pid,
      argv: process.argv.slice(1),
      cwd: process.cwd(),
      main: require.main.filename,
      env: process.env,
      ids: [process.getuid(), process.getgid()],
    })
    http.createServer((req, res) => res.end(JSON.stringify(facts()))).listen(process.env.WEB_PORT, '127.0.0.1')`,
  'idle.js': `setInterval(() => {}, 1e6)`,
  'never.js': `require('cluster-service').workerReady(false); setInterval(() => {}, 1e6)`,
  // A command line or a program that starts the package is loaded again in its workers by the old one.
  'librarian.js': `
    const fs = require('node:fs')
    const cservice = require('cluster-service')
    setInterval(() => {}, 1e6)
    const ask = (name, ...args) => new Promise((resolve) => {
      cservice.trigger(name, (error, result) => resolve({ error: error?.message ?? error, result }), ...args)
    })
    cservice.start({ workers: 'idle.js' }, () => { throw new Error('start does something in a worker') })
    cservice.workerReady({ onWorkerStop() { fs.writeFileSync('stopped', process.env.COLOUR); process.exit(0) } })
    cservice.workerReady({ onWorkerStop() { throw new Error('the second call counts') } })
    const run = async () => ({
      greet: await ask('greet', 'a', { b: 1 }, null),
      fails: await ask('fails'),
      version: typeof (await ask('version')).result,
      flags: [cservice.isMaster, cservice.isWorker],
      workers: cservice.workers.length,
      unsent: cservice.processSafeSend({}, {}) instanceof Error,
    })
    run().then((facts) => ask('report', facts))`,
  'program.js': `
    const cluster = require('node:cluster')
    const fs = require('node:fs')
    const cservice = require('cluster-service')
    if (cluster.isMaster) main()

    async function main() {
      const port = Number(process.env.CONTROL_PORT)
      const facts = {}
      const call = (name, ...args) => new Promise((resolve) => {
        const done = (error, result) =>
          resolve({ kind: error === null || error === undefined ? 'none' : typeof error, error: error?.message ?? error, result })
        if (name === 'trigger') cservice.trigger(args[0], done, ...args.slice(1))
        else cservice[name](...args, done)
      })
      const attempt = (run) => {
        try {
          const value = run()
          value?.catch?.(() => {})
          return { returns: typeof value }
        } catch (error) {
          return { throws: typeof error, message: error.message ?? error }
        }
      }
      facts.missing = ${JSON.stringify([
        'start',
        'stop',
        'on',
        'registerCommands',
        'trigger',
        'workerReady',
        'workers',
        'control',
        'newWorker',
        'isMaster',
        'isWorker',
        'options',
        'locals',
        'log',
        'error',
        'debug',
        'results',
        'processSafeSend',
        'msgBus',
        'netServers',
        'netStats',
        'proxy',
      ])}.filter((name) => !(name in cservice))
      facts.missingOfProxy = ['start', 'stop', 'version', 'promote', 'info', 'updateProxyWorkers', 'getProxyWorkers', 'getVersionWorkers']
        .filter((name) => !(name in cservice.proxy))
      facts.missingOfMessageBus = ['createMessage', 'isValidMessage', 'sendMessage', 'respondToMessage', 'processMessage']
        .filter((name) => !(name in cservice.msgBus))
      facts.missingOfNetServers = ['add', 'remove', 'waitForReady', 'close'].filter((name) => !(name in cservice.netServers))
      facts.flags = [cservice.isMaster, cservice.isWorker]
      facts.options = JSON.parse(JSON.stringify(cservice.options))
      facts.locals = Object.keys(cservice.locals)
      facts.before = { state: cservice.locals.state, workers: cservice.workers.length, stop: await call('stop', 1000) }
      facts.message = cservice.msgBus.createMessage('cmd', { a: 1 })
      facts.valid = [{ cservice: { cmd: 'a' } }, {}, null].map((message) => cservice.msgBus.isValidMessage(message))
      facts.badLevel = attempt(() => cservice.control({ greet: 'nobody' }))
      facts.badDirectories = attempt(() => cservice.registerCommands(5))
      facts.workerReady = attempt(() => cservice.workerReady())
      const report = new Promise((resolve) => cservice.on('report', (event, callback, body) => { callback(); resolve(body) }))
      cservice.on('greet', (event, callback, ...args) => callback(null, { event: Object.keys(event), name: event.name, args }))
      cservice.on('fails', (event, callback) => callback('went wrong'))
      cservice.on('failsWithError', (event, callback) => callback(new Error('went wrong')))
      cservice.on('throws', () => { throw new Error('thrown') })
      cservice.on('disabled', (event, callback) => callback(null, 'ran'))
      cservice.control({ disabled: 'disabled' })
      const started = []
      cservice.on('workerStart', (event, callback, worker, reason) => {
        started.push([typeof worker.process.pid, typeof reason])
        callback?.()
      })
      facts.start = await call('start', {
        config: 'library.json', port, cli: false,
      })
      facts.worker = await report
      facts.running = {
        state: cservice.locals.state,
        started,
        options: [cservice.options.accessKey, cservice.options.cli, cservice.options.port === port],
        names: Object.keys(cservice.options.workers),
        workers: cservice.workers.map((worker) => ({
          pid: typeof worker.pid, process: typeof worker.process, send: typeof worker.send, id: worker.id, cservice: worker.cservice,
        })),
      }
      facts.greet = await call('trigger', 'greet', 'a', { b: 1 }, null)
      facts.fails = await call('trigger', 'fails')
      facts.failsWithError = await call('trigger', 'failsWithError')
      facts.disabled = await call('trigger', 'disabled')
      facts.health = await call('trigger', 'health')
      facts.badRestart = await call('trigger', 'restart', 'GG')
      facts.throws = attempt(() => cservice.trigger('throws', () => {}))
      facts.unknown = attempt(() => cservice.trigger('nope'))
      facts.notThere = await call('start', { workers: { second: { worker: 'nope.js', count: 1 } } })
      const added = await call('newWorker', { worker: 'idle.js', count: 3 })
      facts.newWorker = { error: added.error ?? null, has: typeof added.result?.process, workers: cservice.workers.length }
      facts.sent = attempt(() => cservice.workers.send({ hello: 'workers' }))
      facts.stop = await call('stop', 5000)
      facts.stopped = fs.readFileSync('stopped', 'utf8')
      facts.after = { state: cservice.locals.state, workers: cservice.workers.length }
      fs.writeFileSync('facts.json', JSON.stringify(facts))
      process.exit()
    }`,
  'master.js': `
    require('cluster-service').on('from-master', (event, callback) => callback(null, 'the master'))`,
  'library.json': JSON.stringify({
    workers: { first: { worker: 'librarian.js', count: 1, COLOUR: 'red' } },
    accessKey: 'KEY',
  }),
  'commands/plain.js': `
    module.exports = (event, callback, ...args) => callback(null, { name: event.name, keys: Object.keys(event), args })`,
  'commands/file-name.js': `
    module.exports = (event, callback) => callback(null, event.name)
    module.exports.id = 'an.id'
    module.exports.more = (callback) => callback(null, { info: 'Has an id.', command: 'an.id' })`,
  'commands/hidden.js': `
    module.exports = (event, callback) => callback(null, 'hidden')
    module.exports.visible = false
    module.exports.control = () => 'local'`,
  'commands/in-process.js': `
    module.exports = (event, callback) => callback(null, 'in process')
    module.exports.control = () => 'inproc'`,
  'commands/disabled.js': `
    module.exports = (event, callback) => callback(null, 'disabled')
    module.exports.control = () => 'disabled'`,
  'commands/answers.js': `
    const circular = {}
    circular.self = circular
    const answers = {
      nothing: [], none: [null, null], zero: [null, 0], no: [null, false], empty: [null, ''], text: [null, 'text'], number: [null, 7],
      list: [null, [1, { _hidden: 1, shown: { _hidden: 2, also: 3 } }]], error: ['went wrong'], circular: [null, circular],
      object: [{ why: 'because' }], function: [null, () => {}],
    }
    module.exports = (event, callback, kind) => {
      if (kind === 'throws') throw new Error('thrown')
      if (kind === 'twice') callback(null, 'first')
      callback(...(answers[kind] ?? [null, 'second']))
    }`,
}
