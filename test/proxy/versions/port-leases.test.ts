import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { PortLeases } from '../../../src/proxy/versions/port-leases.ts'

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

async function hold(port: number, host?: string): Promise<boolean> {
  const server = createServer()
  server.listen(host === undefined ? { port } : { port, host })
  const isHeld = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  if (isHeld) servers.push(server)
  return isHeld
}

/** The first port of some that are free at this moment, below those that the system gives out by itself. */
async function freeRange(size: number): Promise<number> {
  for (;;) {
    const min = 20_000 + Math.floor(Math.random() * 10_000)
    const taken: boolean[] = []
    for (let port = min; port < min + size; port++) taken.push(await hold(port))
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
    if (taken.every(Boolean) && (await canBeLeased(min, size))) return min
  }
}

/** Leases of earlier tests, which are not given back, may lie in the range. */
async function canBeLeased(min: number, size: number): Promise<boolean> {
  const leases = new PortLeases({ min, max: min + size - 1 })
  const given = await Promise.allSettled(Array.from({ length: size }, () => leases.lease()))
  for (const result of given) if (result.status === 'fulfilled') result.value.release()
  return given.every(({ status }) => status === 'fulfilled')
}

describe('port leases', () => {
  it('use both ends of the range, once each, and then say that it is used up', async () => {
    const min = await freeRange(4)
    const leases = new PortLeases({ min, max: min + 3 })
    const given = await Promise.all(Array.from({ length: 4 }, () => leases.lease()))
    expect(given.map(({ port }) => port)).toEqual([min, min + 1, min + 2, min + 3])
    await expect(leases.lease()).rejects.toMatchObject({
      code: 'PORTS_USED_UP',
      message: `No port is free in versionPorts ${min}-${min + 3}: 4 used by workers of this gateway, 0 held by other programs`,
    })
  })

  it('skip ports that other programs hold, on one address or on all', async () => {
    const min = await freeRange(4)
    await hold(min)
    await hold(min + 1, '127.0.0.1')
    const leases = new PortLeases({ min, max: min + 3 })
    expect((await leases.lease()).port).toBe(min + 2)
    expect((await leases.lease()).port).toBe(min + 3)
    await expect(leases.lease()).rejects.toMatchObject({ details: { min, max: min + 3, leased: 2, held: 2 } })
  })

  it('do not reuse a freed port at once, but do so when it is the only one', async () => {
    const min = await freeRange(3)
    const leases = new PortLeases({ min, max: min + 2 })
    const first = await leases.lease()
    first.release()
    first.release()
    const second = await leases.lease()
    expect(second.port).toBe(min + 1)
    expect((await leases.lease()).port).toBe(min + 2)
    expect((await leases.lease()).port).toBe(min)
    second.release()
    expect((await leases.lease()).port).toBe(min + 1)
    // The first release, called again, frees nothing of the lease that has the port now.
    first.release()
    expect(leases.size).toBe(3)
  })

  it('are never the same for many who ask at the same moment, also after one was refused', async () => {
    const min = await freeRange(30)
    const leases = new PortLeases({ min, max: min + 29 })
    const results = await Promise.allSettled(Array.from({ length: 35 }, () => leases.lease()))
    const ports = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.port] : []))
    expect(new Set(ports).size).toBe(30)
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5)
  })

  it('come from another range once it was set', async () => {
    const min = await freeRange(4)
    const leases = new PortLeases({ min, max: min + 1 })
    const old = await leases.lease()
    leases.setRange(min + 2, min + 3)
    expect((await leases.lease()).port).toBe(min + 2)
    expect((await leases.lease()).port).toBe(min + 3)
    await expect(leases.lease()).rejects.toMatchObject({ details: { leased: 2 } })
    old.release()
    await expect(leases.lease()).rejects.toMatchObject({ code: 'PORTS_USED_UP' })
  })

  it('are never the same for two gateways on one machine, though nothing listens there yet', async () => {
    const min = await freeRange(6)
    const [one, other] = [new PortLeases({ min, max: min + 5 }), new PortLeases({ min, max: min + 5 })]
    const given = await Promise.all([one, other, one, other, one, other].map((leases) => leases.lease()))
    expect(new Set(given.map(({ port }) => port)).size).toBe(6)
    await expect(one.lease()).rejects.toMatchObject({ details: { leased: 3, held: 3 } })
    given[1]?.release()
    expect((await one.lease()).port).toBe(given[1]?.port)
  })

  it('give out a port that can be listened on', async () => {
    const min = await freeRange(2)
    const { port } = await new PortLeases({ min, max: min + 1 }).lease()
    expect(await hold(port)).toBe(true)
  })
})
