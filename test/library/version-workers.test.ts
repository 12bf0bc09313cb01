import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'
import { head, programs, said } from './programs.ts'

const index = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

/** A worker of a version that uses the library. */
const versioned = (library: string) => `
  const cservice = require(${JSON.stringify(library)})
  const http = require('node:http')
  cservice.on('flush', (event, cb, key) => cb(null, [cservice.options.version, key]))
  http.createServer(async (req, res) => {
    const answer = await cservice.trigger(req.url.slice(1)).catch((error) => error.code)
    res.end(JSON.stringify(answer))
  }).listen(process.env.PROXY_PORT, '127.0.0.1')`

test('workers of versions call the commands of their gateway, and have commands of their own', async () => {
  const folder = await versionFolder({ v1: { text: versioned(index) }, v2: { text: versioned(index) } })
  const gateway = await startGateway(folder)
  const get = async (path: string) => await (await fetch(`${gateway.url}/${path}`)).json()
  expect(await get('health')).toBe('OK')
  expect(await get('no.such')).toBe('UNKNOWN_COMMAND')
  await gateway.command('proxy', 'version', 'v2', '1')
  expect(await gateway.command('flush', 'cache')).toMatchObject({
    workers: [
      { worker: 'v1', result: ['v1', 'cache'] },
      { worker: 'v2', result: ['v2', 'cache'] },
    ],
  })
})

test('a program starts, watches, promotes and stops the proxy', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' })
  const { run } = await programs({
    'program.cjs': `${head}
      const configPath = process.env.PROXY_CONFIG
      async function main() {
        await cservice.start({ workers: null, port, proxy: configPath })
        say([cservice.locals.proxy.enabled, (await cservice.proxy.info()).liveVersion])
        const { previous, version, workers } = await cservice.proxy.promote('v2', { workerCount: 2 })
        say([previous, version, workers])
        say((await cservice.proxy.version('v1', { workerCount: 0 })).stopped)
        await new Promise((done) => cservice.proxy.version('v9', { workerCount: 1 }, (error) => done(say(error.code))))
        await new Promise((done) => cservice.proxy.stop((error) => done(say(error))))
        await cservice.proxy.info().catch((error) => say(error.code))
        await cservice.proxy.start({ configPath })
        say((await cservice.proxy.info()).liveVersion)
        await cservice.stop()
      }
      main()`,
  })
  const outcome = await run('program.cjs', { PROXY_CONFIG: folder.config, CSERVICE_LOG_LEVEL: 'error' })
  expect(outcome.stderr).toBe('')
  expect(said(outcome.stdout)).toEqual([[true, 'v1'], ['v1', 'v2', 2], 1, 'UNKNOWN_VERSION', null, 'NO_PROXY', 'v2'])
  expect(outcome.code).toBe(0)
})
