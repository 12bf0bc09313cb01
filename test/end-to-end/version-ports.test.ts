import net from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, errorOf, expectRefused, expectUndisturbed } from '../support/ask.ts'
import { burst } from '../support/burst.ts'
import { eventually } from '../support/eventually.ts'
import { freePortRange } from '../support/free-ports.ts'
import { startLoad } from '../support/load-generator.ts'
import { proxyInfo } from '../support/proxy-info.ts'
import { bootsOf, counted } from '../support/recorded.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

describe('versionPorts', () => {
  it('that are used up turn away the version that finds none, with a message that says by whom', async () => {
    const versionPorts = await freePortRange(2)
    const folder = await versionFolder({ v1: 'http', v2: 'http', v3: counted('http') }, { versionPorts })
    const gateway = await startGateway(folder)
    expect((await ask(gateway, 'v2')).status).toBe(200)
    const others = startLoad({ url: gateway.url, connections: 5 })
    const refused = await ask(gateway, 'v3')
    expectRefused(refused, 'VERSION_FAILED')
    expect(refused.took).toBeLessThan(4_000)
    const message = `No port is free in versionPorts ${versionPorts}: 2 used by workers of this gateway, 0 held by other programs`
    expect(await errorOf(gateway, 'v3')).toMatchObject({ code: 'PORTS_USED_UP', message })
    const outcome = await gateway.cservice('proxy', 'version', 'v3', '1')
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toContain(message)
    expect(outcome.stderr).toContain('Widen versionPorts')
    expect(bootsOf(folder, 'v3')).toEqual([])
    // Both ends are included: two ports, two workers.
    const { versions } = await proxyInfo(gateway)
    expect(versions.flatMap(({ ports }) => ports).toSorted()).toEqual(versionPorts.split('-').map(Number))
    expect(await gateway.command('proxy', 'version', 'v2', '0')).toMatchObject({ stopped: 1 })
    await eventually('an answer of v3', async () => (await ask(gateway, 'v3')).status === 200)
    await expectUndisturbed(others)
  })

  it('that another program holds, on whatever address, are passed over, and nothing of ours reaches it', async () => {
    const versionPorts = await freePortRange(7)
    const [min] = versionPorts.split('-').map(Number) as [number]
    const visitors: net.Socket[] = []
    for (const [index, host] of ['127.0.0.1', '0.0.0.0', '::'].entries()) {
      await holdPort(min + 2 * index, host, (socket) => visitors.push(socket))
    }
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { versionPorts, workerCount: 2 })
    const gateway = await startGateway(folder)
    const answers = [...(await burst(`${gateway.url}/`, 20)), await ask(gateway, 'v2')]
    expect(answers.map(({ status }) => status)).toEqual(Array(21).fill(200))
    const { versions } = await proxyInfo(gateway)
    const ports = versions.flatMap((version) => version.ports)
    expect(ports.toSorted()).toEqual([min + 1, min + 3, min + 5])
    expect(visitors).toEqual([])
  })
})

/** Another program on that port: it takes connections and says nothing. */
async function holdPort(port: number, host: string, onConnection: (socket: net.Socket) => void): Promise<void> {
  const server = net.createServer(onConnection)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, resolve)
  })
  onTestFinished(() => void server.close())
}
