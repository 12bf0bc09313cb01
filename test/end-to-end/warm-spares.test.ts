import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { isAlive } from '../support/processes.ts'
import { ask, proxyInfo, readyWorkers, untilReplaced } from '../support/proxy-info.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

describe('a gateway with a warm spare', () => {
  it('answers the first request for a cold version from it, and has the next one ready soon', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http', v2: 'http', v3: 'http' }))
    for (const version of ['v2', 'v3']) {
      const spare = await theSpare(gateway)
      const res = await gateway.fetch('/', { version })
      expect(res.headers.get('x-worker-version')).toBe(version)
      expect(res.headers.get('x-worker-pid')).toBe(String(spare))
    }
    expect((await gateway.fetch('/')).headers.get('x-worker-version')).toBe('v1')
  })

  it('uses it for a promote, for a scale, and for the successor of a worker that was killed', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http', v2: 'http' }))
    const promoted = await theSpare(gateway)
    await ask(gateway, 'proxy promote v2 1')
    expect(await readyWorkers(gateway, 'v2')).toEqual([promoted])
    const second = await theSpare(gateway)
    await ask(gateway, 'proxy version v2 2')
    expect((await readyWorkers(gateway, 'v2')).toSorted()).toEqual([promoted, second].toSorted())
    const successor = await theSpare(gateway)
    process.kill(second, 'SIGKILL')
    const pids = await untilReplaced('a successor', () => readyWorkers(gateway, 'v2'), 2, [second])
    expect(pids).toContain(successor)
  })

  it('says so in proxy info, and does not count it among the workers', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }))
    const spare = await theSpare(gateway)
    expect((await proxyInfo(gateway)).spares).toEqual({ ready: 1, wanted: 1 })
    const { workers } = (await ask(gateway, 'workers')) as { workers: ReadonlyArray<{ pid: number }> }
    expect(workers.map(({ pid }) => pid)).not.toContain(spare)
    expect(await ask(gateway, 'health')).toBe('OK')
    expect((await gateway.cservice('proxy', 'info')).stdout).toMatch(/warm spares +1 of 1 ready/)
  })

  it('keeps as many as proxy.json says, also when that is changed while it runs', async () => {
    const folder = await versionFolder({ v1: 'http' }, { warmSpares: 0 })
    const gateway = await startGateway(folder)
    expect((await proxyInfo(gateway)).spares).toEqual({ ready: 0, wanted: 0 })
    const rewrite = (settings: object) =>
      writeFileSync(folder.config, JSON.stringify({ ...JSON.parse(readFileSync(folder.config, 'utf8')), ...settings }))
    rewrite({ warmSpares: 2 })
    await eventually('two are ready', async () => (await proxyInfo(gateway)).spares.ready === 2)
    rewrite({ warmSpares: 2, warmSpareMemory: 1 })
    await eventually('none is small enough', async () => (await proxyInfo(gateway)).spares.ready === 0)
  })

  it('leaves none when it is killed, also before one was used', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }, { warmSpares: 2 }))
    await eventually('two are ready', async () => (await proxyInfo(gateway)).spares.ready === 2)
    const spares = spareProcesses(gateway)
    expect(spares).toHaveLength(2)
    gateway.kill('SIGKILL')
    await gateway.exited()
    await eventually('their end', () => !spares.some(isAlive), 2_000)
    expect((await gateway.fetch('/')).status).toBe(200) // the worker goes on
  })

  it('leaves none when the proxy is stopped', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }))
    await theSpare(gateway)
    await ask(gateway, 'proxy stop')
    expect(gateway.processes().map(({ pid }) => pid)).toEqual([gateway.pid])
  })
})

/** Pid of the one that is ready. */
async function theSpare(gateway: Gateway): Promise<number> {
  await eventually('a spare is ready', async () => (await proxyInfo(gateway)).spares.ready === 1)
  const { versionWorkers } = await proxyInfo(gateway)
  const used = versionWorkers.map(({ pid }) => pid)
  const [spare, ...rest] = spareProcesses(gateway).filter((pid) => !used.includes(pid))
  if (spare === undefined || rest.length > 0) throw new Error('not exactly one process waits')
  return spare
}

function spareProcesses(gateway: Gateway): number[] {
  return gateway.processes().flatMap(({ pid, command }) => (command.includes('spare-program') ? [pid] : []))
}
