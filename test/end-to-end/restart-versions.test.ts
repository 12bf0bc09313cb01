import { expect, test } from 'vitest'
import { expectNothingLost } from '../support/expect-nothing-lost.ts'
import { startLoad } from '../support/load-generator.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

interface Workers {
  readonly workers: ReadonlyArray<{ pid: number; state: string; name: string; kind: string; reason: string }>
}

test('restart all replaces the workers of versions, not the proxy processes, and loses no request', async () => {
  const folder = await versionFolder({ v1: 'http' }, { workerCount: 2 })
  const gateway = await startGateway(folder)
  const list = async () => (await gateway.command<Workers>('workers', 'details')).workers
  const before = await list()
  const load = startLoad({ url: gateway.url })
  await load.more(100)
  for (let turn = 0; turn < 3; turn++)
    expect(await gateway.command('restart', 'all')).toBe('2 workers restarted successfully')
  expectNothingLost(await load.stop())
  const after = await list()
  const pids = (workers: Workers['workers'], kind: string) =>
    workers.filter((worker) => worker.kind === kind).map(({ pid }) => pid)
  expect(pids(after, 'own')).toEqual(pids(before, 'own'))
  expect(pids(after, 'agent')).toHaveLength(2)
  for (const pid of pids(before, 'agent')) expect(pids(after, 'agent')).not.toContain(pid)
})

test('upgrade is for plain services: a version is never changed, and the answer says what to do instead', async () => {
  const folder = await versionFolder({ v1: 'http' })
  const gateway = await startGateway(folder)
  const outcome = await gateway.cservice('upgrade', 'all', 'package.json.js')
  expect(outcome.code).not.toBe(0)
  expect(outcome.stderr).toContain('promote')
})
