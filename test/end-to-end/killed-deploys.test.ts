import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { tgz } from '../proxy/releases/tarball.ts'
import { eventually } from '../support/eventually.ts'
import { fixtureWorker } from '../support/fixture-worker.ts'
import { freePort } from '../support/free-ports.ts'
import { isAlive } from '../support/processes.ts'
import { startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { versionFolder } from '../support/version-folder.ts'

function release(): string {
  const file = join(temporaryFolder(), 'app.tgz')
  const text = `import ${JSON.stringify(pathToFileURL(fixtureWorker('http')).href)}\n`
  writeFileSync(file, tgz({ path: 'package.json', body: '{"type":"module"}' }, { path: 'worker.js', body: text }))
  return file
}

/** The steps of a deploy, and whether the version is there after them. */
const steps = [
  ['unpacked', false],
  ['tried', false],
  ['durable', false],
  ['renamed', true],
  ['recorded', true],
] as const

it('a deploy whose gateway is killed at any step has happened or has not when it starts again, and can be repeated', async () => {
  const folder = await versionFolder({ v1: 'http' }, { warmSpares: 0 })
  const controlPort = await freePort() // by it the next one knows what the last one has left
  const file = release()
  for (const [step, isThere] of steps) {
    const gateway = await startGateway(folder, { controlPort, env: { CSERVICE_FAULT_POINT: `deploy:${step}` } })
    await gateway.cservice('proxy', 'deploy', file, '--as', `after-${step}`)
    expect((await gateway.exited()).signal).toBe('SIGKILL')
    expect([step, existsSync(join(folder.path, `after-${step}`))]).toEqual([step, isThere])
  }
  const gateway = await startGateway(folder, { controlPort })
  expect(existsSync(join(folder.path, '.staging'))).toBe(false)
  for (const [step, isThere] of steps) {
    if (!isThere) await gateway.command('proxy', 'deploy', file, '--as', `after-${step}`)
    const res = await gateway.fetch('/', { version: `after-${step}` })
    expect(await res.json()).toMatchObject({ version: `after-${step}` })
  }
}, 60_000)

it('an install step ends with the supervisor, however that ends, and leaves nothing behind', async () => {
  const note = join(temporaryFolder(), 'pids')
  const install = `sleep 600 & echo $$ $! > ${note}.draft; mv ${note}.draft ${note}; wait`
  const folder = await versionFolder({ v1: 'http' }, { install, warmSpares: 0 })
  const controlPort = await freePort()
  const gateway = await startGateway(folder, { controlPort })
  const deploying = gateway.cservice('proxy', 'deploy', release(), '--as', 'v2')
  await eventually('the install step to run', () => existsSync(note))
  const pids = readFileSync(note, 'utf8').trim().split(' ').map(Number)
  expect(pids.map(isAlive)).toEqual([true, true])
  process.kill(gateway.pid, 'SIGKILL')
  await gateway.exited()
  await eventually('the install step and what it has started to end', () => !pids.some(isAlive))
  expect((await deploying).code).toBe(1)

  await startGateway(folder, { controlPort })
  expect(readdirSync(folder.path).toSorted()).toEqual(['.cservice', 'proxy.json', 'v1'])
})
