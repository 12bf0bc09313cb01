import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { isPortFree } from '../support/free-ports.ts'
import { startLoad } from '../support/load-generator.ts'
import { isAlive } from '../support/processes.ts'
import { ask, proxyInfo, readyWorkers } from '../support/proxy-info.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder, type WorkerSource } from '../support/version-folder.ts'

/** A shell program that starts something and waits for it, as people write them. */
const shellThatStaysInFront: WorkerSource = {
  text: `#!/bin/sh
echo "starting for $CSERVICE_VERSION"
python3 -m http.server --bind 127.0.0.1 "$PROXY_PORT"
`,
}

it.each([
  ['a Python program', 'python'],
  ['a shell program', 'shell'],
  ['a shell program that stays in front of what it starts', shellThatStaysInFront],
] as const)('%s is a version like any other: cold start, several workers, promote, stop', async (_name, worker) => {
  const folder = await versionFolder({ v1: 'http' }, { workerFilename: 'worker' })
  folder.add('v2', worker, { 'version.txt': 'v2' })
  const gateway = await startGateway(folder)

  const cold = await Promise.all(Array.from({ length: 20 }, () => gateway.fetch('/version.txt', { version: 'v2' })))
  expect(cold.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(cold.map((res) => res.headers.get('x-served-version'))).toEqual(Array(20).fill('v2; by=header'))
  const [first = 0] = await readyWorkers(gateway, 'v2')
  expect(await readyWorkers(gateway, 'v2')).toEqual([first])

  expect(await ask(gateway, 'proxy promote v2 2')).toMatchObject({ version: 'v2', previous: 'v1', workers: 2 })
  const pids = await readyWorkers(gateway, 'v2')
  expect(pids).toHaveLength(2)
  expect(pids).toContain(first)
  const res = await gateway.fetch('/version.txt')
  expect(res.headers.get('x-served-version')).toBe('v2; by=live')
  expect(await res.text()).toMatch(/v2/)

  expect(await ask(gateway, 'proxy promote v1 1')).toMatchObject({ version: 'v1', previous: 'v2' })
  const version = (await proxyInfo(gateway)).versions.find(({ name }) => name === 'v2')
  const processes = gateway.processes().filter(({ command }) => /http\.server|python\.py/.test(command))
  expect(processes.length).toBeGreaterThan(0)
  expect(await ask(gateway, 'proxy version v2 0')).toMatchObject({ version: 'v2', workers: 0 })
  await eventually('the end of all of its processes', () => !processes.some(({ pid }) => isAlive(pid)))
  for (const port of version?.ports ?? []) expect(await isPortFree(port)).toBe(true)
  expect((await gateway.fetch('/')).headers.get('x-served-version')).toBe('v1; by=live')
})

it('a Python program under load is promoted, killed and replaced, and loses no GET', async () => {
  const folder = await versionFolder({ v1: 'python', v2: 'python' }, { workerFilename: 'worker', workerCount: 2 })
  const gateway = await startGateway(folder)
  const load = startLoad({ url: gateway.url, connections: 10, mix: { get: 1 } })
  await load.more(50)
  await ask(gateway, 'proxy promote v2 2')
  await load.more(50)
  const [victim = 0] = await readyWorkers(gateway, 'v2')
  process.kill(victim, 'SIGKILL')
  await eventually('a successor', async () => {
    const pids = await readyWorkers(gateway, 'v2')
    return pids.length === 2 && !pids.includes(victim)
  })
  await load.more(50)
  expect((await load.stop()).failures).toEqual([])
})

it('a program that cannot be executed fails with the reason, and leaves nothing behind', async () => {
  const folder = await versionFolder({ v1: 'python' }, { workerFilename: 'worker' })
  folder.add('v2', { text: '#!/no/such/interpreter\n' })
  const gateway = await startGateway(folder)
  const outcome = await gateway.cservice('proxy', 'promote', 'v2', '1')
  expect(outcome.code).toBe(1)
  expect(outcome.stderr).toMatch(/v2.*could not be started/)
  expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(503)
  expect((await proxyInfo(gateway)).liveVersion).toBe('v1')
  expect(readdirSync(folder.path).sort()).toEqual(expect.arrayContaining(['proxy.json', 'v1', 'v2']))
})
