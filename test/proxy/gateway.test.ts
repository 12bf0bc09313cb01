import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../dist/common/log.js'
import { ProxyHost } from '../../dist/proxy/proxy-host.js'
import { Supervisor } from '../../dist/supervisor/supervisor.js'
import { eventually } from '../support/eventually.ts'
import { freePort, isPortFree } from '../support/free-ports.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type VersionFolder, versionFolder } from '../support/version-folder.ts'

test('a stop does not wait until a version that never listens has been given up', async () => {
  const folder = await versionFolder({ v1: 'never-listens' }, { startTimeout: 600 })
  const { host, supervisor } = await makeHost()
  const started = host.start(folder.config).catch((error) => error)
  await eventually('the worker is starting', () => supervisor.workers.some(({ name }) => name === 'v1'))
  await host.close()
  expect(await started).toMatchObject({ code: 'SHUTTING_DOWN' })
  expect(supervisor.workers).toEqual([])
  expect(supervisor.pools).toEqual([])
})

test('a binding that is being opened when the proxy is stopped is not left open', async () => {
  const folder = await versionFolder({ v1: 'http' })
  const { host, supervisor } = await makeHost()
  await host.start(folder.config)
  const added = await freePort()
  const binding = { port: added, host: '127.0.0.1', workerCount: 1 }
  edit(folder, ({ bindings }) => ({ bindings: [...(bindings as object[]), binding] }))
  await eventually('it is being opened', () => supervisor.pools.some(({ spec }) => spec.name === `proxy ${added}`))
  await host.stop()
  expect(supervisor.pools).toEqual([])
  expect(await isPortFree(added)).toBe(true)
})

test('a command that is half way when the proxy is stopped starts nothing', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'never-listens' }, { startTimeout: 600 })
  const { host, supervisor } = await makeHost()
  const gateway = await host.start(folder.config)
  const scaled = gateway.coldStarts.scale('v2', 1).catch((error) => error)
  const promoted = gateway.promote('v2', 1, 'test').catch((error) => error)
  await host.stop()
  expect(['CANCELLED', 'SHUTTING_DOWN']).toContain((await scaled).code)
  expect(['CANCELLED', 'SHUTTING_DOWN']).toContain((await promoted).code)
  expect(supervisor.pools).toEqual([])
})

test('a live version whose folder is gone is stopped when another one is made live', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { nonDefaultWorkerIdleTime: 0 })
  const { host, supervisor } = await makeHost()
  const gateway = await host.start(folder.config)
  folder.remove('v1')
  await eventually('it is gone from the catalog', () => !gateway.catalog.has('v1'))
  expect(names(supervisor)).toContain('v1')
  await gateway.promote('v2', 1, 'test')
  await eventually('its workers are gone', () => !names(supervisor).includes('v1'))
})

test('a version that is not in the new versionPath is stopped', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { nonDefaultWorkerIdleTime: 0 })
  const { host, supervisor } = await makeHost()
  const gateway = await host.start(folder.config)
  await gateway.coldStarts.scale('v2', 1)
  const elsewhere = join(folder.path, 'elsewhere')
  mkdirSync(join(elsewhere, 'v1'), { recursive: true })
  writeFileSync(join(elsewhere, 'v1', 'worker.js'), readFileSync(join(folder.path, 'v1', 'worker.js')))
  edit(folder, () => ({ versionPath: elsewhere }))
  await eventually('its workers are gone', () => !names(supervisor).includes('v2'))
})

test('a live version that is not live any more by an edit is shrunk', async () => {
  const folder = await versionFolder({ v1: 'http' }, { workerCount: 3, keepWarm: 0 })
  const { host } = await makeHost()
  const gateway = await host.start(folder.config)
  edit(folder, () => ({ defaultVersion: undefined }))
  await eventually('no version is live', () => gateway.live.name === null)
  await eventually(
    'it has nonDefaultWorkerCount workers',
    () => gateway.versions.find('v1')?.pool?.workers.length === 1,
  )
})

test('a drainTimeout that was raised holds for the requests of proxy processes that run already', async () => {
  const folder = await versionFolder({ v1: 'http' }, { drainTimeout: 0 })
  const { host } = await makeHost()
  const gateway = await host.start(folder.config)
  const slow = fetch(`http://127.0.0.1:${folder.port}/slow?ms=8000`)
  await eventually('the request is in flight', () => gateway.versions.find('v1')?.activity.inFlight === 1)
  edit(folder, () => ({ drainTimeout: 60 }))
  await eventually('the edit is in force', () => gateway.config.drainTimeout === 60)
  const [answer] = await Promise.all([slow, host.stop()])
  expect(answer.status).toBe(200)
})

async function makeHost(): Promise<{ host: ProxyHost; supervisor: Supervisor }> {
  const directory = temporaryFolder()
  const sink = { write: () => true, writableLength: 0 } as unknown as NodeJS.WriteStream
  const supervisor = await Supervisor.open({ directory, log: silentLog(), output: { stdout: sink, stderr: sink } })
  const host = new ProxyHost({ supervisor, log: silentLog() })
  onTestFinished(async () => {
    await host.close()
    await supervisor.stop()
  })
  return { host, supervisor }
}

function names(supervisor: Supervisor): string[] {
  return supervisor.workers.map(({ name }) => name)
}

function edit({ config }: VersionFolder, change: (settings: Record<string, unknown>) => object): void {
  const settings = JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>
  writeFileSync(config, JSON.stringify({ ...settings, ...change(settings) }))
}
