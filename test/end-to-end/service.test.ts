import { createPrivateKey } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { freePort, freePortRange, freePorts, isPortFree } from '../support/free-ports.ts'
import { onlyJson } from '../support/only-json.ts'
import { environmentOf, isAlive } from '../support/processes.ts'
import { ask, proxyInfo, readyWorkers } from '../support/proxy-info.ts'
import { type RawConnection, rawConnection } from '../support/raw-http.ts'
import { run } from '../support/run.ts'
import { cservice, type Gateway, startGateway } from '../support/start-gateway.ts'
import { accepts } from '../support/start-worker.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { versionFolder } from '../support/version-folder.ts'

const daemon = fileURLToPath(new URL('../../dist/cli/cserviced.js', import.meta.url))

describe('two gateways on one machine', () => {
  it('stand side by side, also with the same versionPorts, and nothing of one concerns the other', async () => {
    const versionPorts = await freePortRange(20)
    const folders = await Promise.all(
      [0, 1].map(() => versionFolder({ v1: 'http', v2: 'http' }, { versionPorts, workerCount: 3 })),
    )
    const [one, other] = (await Promise.all(folders.map((folder) => startGateway(folder)))) as [Gateway, Gateway]
    await Promise.all([one, other].map((gateway) => ask(gateway, 'proxy promote v2 3')))
    for (const gateway of [one, other]) {
      const own = new Set(gateway.processes().map(({ pid }) => pid))
      const { versionWorkers } = await proxyInfo(gateway)
      expect(versionWorkers.filter(({ pid, state }) => state === 'ready' && !own.has(pid))).toEqual([])
      const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.fetch('/')))
      const pids = answers.map((res) => Number(res.headers.get('x-worker-pid')))
      expect(pids.filter((pid) => !own.has(pid))).toEqual([])
    }
    await ask(one, 'proxy promote v1 1')
    expect((await one.fetch('/')).headers.get('x-served-version')).toBe('v1; by=live')
    expect((await other.fetch('/')).headers.get('x-served-version')).toBe('v2; by=live')
    expect(await one.stop()).toEqual({ code: 0, signal: null })
    expect((await other.fetch('/')).status).toBe(200)
    expect(await ask(other, 'health')).toBe('OK')
  })

  it('never share a control port: the second is told that one runs already', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }))
    const outcome = await gateway.cservice('proxy', 'start', (await versionFolder({ v1: 'http' })).config)
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toMatch(/already running/)
    expect((await gateway.fetch('/')).status).toBe(200)
  })
})

describe('the end of a service', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: takes nothing new, finishes what is in flight, exits 0, and leaves nothing',
    async (signal) => {
      const gateway = await startGateway(await versionFolder({ v1: 'http' }))
      const { slow, stream } = await requestsInFlight(gateway)
      gateway.kill(signal)
      await eventually('the end of the listening', async () => !(await accepts(gateway.folder.port)))
      expect(gateway.hasExited).toBe(false)
      const [slowAnswer, streamAnswer] = await Promise.all([slow.answer(), stream.answer()])
      expect(slowAnswer.status).toBe(200)
      expect(streamAnswer.body.split('\n')).toHaveLength(31)
      expect(await gateway.exited()).toEqual({ code: 0, signal: null })
      await gateway.untilGone()
    },
  )

  it('a second SIGINT stops at once: exit code 130, and nothing is left', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http', v2: 'ignores-sigterm' }))
    await gateway.fetch('/', { version: 'v2' })
    const events = await rawConnection(gateway.folder.port)
    events.write('GET /events HTTP/1.1\r\nHost: a\r\nX-Version: v2\r\n\r\n')
    await events.readUntil('data:')
    gateway.kill('SIGINT')
    await eventually('the end of the listening', async () => !(await accepts(gateway.folder.port)))
    expect(gateway.hasExited).toBe(false)
    const interruptedAt = performance.now()
    gateway.kill('SIGINT')
    expect(await gateway.exited(5_000)).toEqual({ code: 130, signal: null })
    await eventually('the end of every process', () => gateway.processes().length === 0, 3_000)
    expect(performance.now() - interruptedAt).toBeLessThan(5_000)
  })

  it('proxy stop stops the proxy and nothing else, and proxy start starts it again in the same service', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }))
    const { slow } = await requestsInFlight(gateway)
    const stopped = gateway.command('proxy', 'stop')
    expect((await slow.answer()).status).toBe(200)
    expect(await stopped).toEqual({ stopped: true, ports: [gateway.folder.port] })
    expect(gateway.processes().map(({ pid }) => pid)).toEqual([gateway.pid])
    expect(await isPortFree(gateway.folder.port)).toBe(true)
    expect(await gateway.cservice('proxy', 'info', '--json')).toMatchObject({
      code: 1,
      json: { error: { code: 'NO_PROXY' } },
    })
    expect(await ask(gateway, 'health')).toBe('OK')
    const info = await gateway.command('proxy', 'start', gateway.folder.config)
    expect(info).toMatchObject({ liveVersion: 'v1' })
    expect((await gateway.fetch('/')).status).toBe(200)
  })

  it('cserviced prints the pid when the service is ready, and shutdown all ends it', async () => {
    const folder = await versionFolder({ v1: 'http' })
    const port = await freePort()
    const [pidFile, logFile] = [join(folder.path, 'pid'), join(folder.path, 'log')]
    const words = [
      daemon,
      'proxy',
      'start',
      folder.config,
      `--port=${port}`,
      `--pidFile=${pidFile}`,
      `--logFile=${logFile}`,
    ]
    const started = await run(process.execPath, words)
    const pid = Number(started.stdout)
    onTestFinished(() => (isAlive(pid) ? void process.kill(pid, 'SIGTERM') : undefined))
    expect(started).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\n$/) })
    expect(readFileSync(pidFile, 'utf8').trim()).toBe(String(pid))
    expect((await fetch(`http://127.0.0.1:${folder.port}/`)).status).toBe(200) // ready means ready
    expect(await cservice(['shutdown', 'all', '--port', String(port)])).toMatchObject({ code: 0 })
    await eventually('the end of the service', () => !isAlive(pid))
    expect(existsSync(pidFile)).toBe(false)
    expect(await isPortFree(folder.port)).toBe(true)
    expect(readFileSync(logFile, 'utf8')).toContain('listening')
  })

  it('cserviced says why the service did not start, and leaves nothing', async () => {
    const folder = await versionFolder({ v1: 'http' }, { workerCount: 'many' })
    const words = [daemon, 'proxy', 'start', folder.config, `--port=${await freePort()}`, '--json']
    const failed = await run(process.execPath, [...words, `--logFile=${join(folder.path, 'log')}`])
    expect(failed.code).toBe(1)
    expect(onlyJson(failed.stdout)).toMatchObject({
      error: { code: 'CONFIG_INVALID', message: expect.stringMatching(/workerCount/) },
    })
    expect(await isPortFree(folder.port)).toBe(true)
  })
})

describe('what is seen of a service', () => {
  it('has every line of its workers, with version and pid in front', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http', v2: { text: talkative } }))
    const [pid] = await readyWorkers(gateway, 'v1')
    await eventually('the line', () => gateway.stdout.includes(`v1:${pid} | listening\n`))
    await gateway.fetch('/', { version: 'v2' })
    const [talker] = await readyWorkers(gateway, 'v2')
    await eventually('its lines', () => gateway.stdout.includes(`v2:${talker} | two\n`))
    expect(gateway.stdout).toContain(`v2:${talker} | one\nv2:${talker} | two\n`)
    await eventually('its errors', () => gateway.stderr.includes(`v2:${talker} | oops ü\n`))
  })

  it('has no secret: not in proxy info, nor in the log, nor in arguments or environment of any worker', async () => {
    const [accessKey, passphrase] = ['secret-access-key', 'secret-passphrase']
    const { key, cert, material } = encryptedCertificate(passphrase)
    const [plain = 0, port = 0] = await freePorts(2)
    const secured = await versionFolder(
      { v1: 'http', v2: 'http' },
      {
        bindings: [
          { port: plain, host: '127.0.0.1', workerCount: 1 },
          { port, host: '127.0.0.1', workerCount: 1, tlsOptions: { key, cert, passphrase } },
        ],
      },
    )
    const env = { CSERVICE_ACCESS_KEY: accessKey, CSERVICE_LOG_LEVEL: 'trace' }
    const gateway = await startGateway(secured, { env })
    expect(await statusOverTls(port)).toBe(200)
    await gateway.fetch('/', { version: 'v2' })
    const secrets = new RegExp(`${accessKey}|${passphrase}|${material}|ticketKeys`)
    for (const words of [['proxy', 'info'], ['proxy', 'info', '--json'], ['workers', 'details'], ['info']]) {
      const outcome = await gateway.cservice(...words)
      expect(outcome.code).toBe(0)
      expect(`${outcome.stdout}${outcome.stderr}`).not.toMatch(secrets)
    }
    const children = await eventually('two proxy processes, two workers and a warm spare', () => {
      const others = gateway.processes().filter(({ pid }) => pid !== gateway.pid)
      return others.length === 5 && others
    })
    for (const { pid } of children) expect(JSON.stringify(environmentOf(pid))).not.toMatch(secrets)
    for (const { command } of gateway.processes()) expect(command).not.toMatch(secrets)
    await gateway.stop()
    expect(gateway.output).not.toMatch(secrets)
  })
})

/** A request that takes 1.5 s and a stream of 30 lines, both of which have reached their worker. */
async function requestsInFlight(gateway: Gateway): Promise<{ slow: RawConnection; stream: RawConnection }> {
  const slow = await rawConnection(gateway.folder.port)
  slow.write('GET /slow?ms=1500 HTTP/1.1\r\nHost: a\r\n\r\n')
  const stream = await rawConnection(gateway.folder.port)
  stream.write('GET /stream?chunks=30&interval=50 HTTP/1.1\r\nHost: a\r\n\r\n')
  await stream.until('the first line', () => (stream.received.includes('\r\n\r\n') ? true : null))
  return { slow, stream }
}

/** The key of the test certificate, encrypted, and the certificate; `material` is part of what stands in the key when it is not. */
function encryptedCertificate(passphrase: string): { key: string; cert: string; material: string } {
  const cert = fileURLToPath(new URL('../proxy/dataplane/fixtures/localhost.pem', import.meta.url))
  const key = join(temporaryFolder(), 'key.pem')
  const encryption = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  const opened = createPrivateKey(readFileSync(cert))
  writeFileSync(key, opened.export(encryption))
  const [, , material = ''] = opened.export({ type: 'pkcs8', format: 'pem' }).toString().split('\n')
  return { key, cert, material: material.slice(0, 30).replace(/[^A-Za-z0-9]/g, '.') }
}

function statusOverTls(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    https
      .get({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false }, (res) => {
        res.resume()
        resolve(res.statusCode)
      })
      .on('error', reject)
  })
}

const talkative = `
process.stdout.write('one\\ntw')
process.stdout.write('o\\n')
console.error('oops ü')
require('node:http').createServer((req, res) => res.end('well')).listen(Number(process.env.PROXY_PORT), '127.0.0.1')
`
