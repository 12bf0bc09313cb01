import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import { ask, proxyInfo } from '../support/proxy-info.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { readConfig } from '../support/state-files.ts'
import { type VersionFolder, versionFolder } from '../support/version-folder.ts'

interface Entry {
  readonly action: string
  readonly version: string
  readonly previous: string | null
}

/** The steps of a change, and whether proxy.json says already that it has happened. */
const steps = [
  ['scaled', false],
  ['recorded', true],
  ['routed', true],
  ['acknowledged', true],
  ['journaled', true],
] as const

it.each(['promote', 'rollback'] as const)(
  'a %s whose supervisor is killed at any step has happened or has not when it starts again, and the way back is known',
  async (action) => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { warmSpares: 0 })
    const controlPort = await freePort() // by it the next one knows what the last one has left
    let former = 'v1'
    let live = 'v1'
    if (action === 'rollback') {
      const gateway = await startGateway(folder, { controlPort })
      await ask(gateway, 'proxy promote v2')
      await gateway.stop()
      live = 'v2'
    }
    for (const [step, isAfter] of steps) {
      const gateway = await startGateway(folder, { controlPort, env: { CSERVICE_FAULT_POINT: `${action}:${step}` } })
      await expectLive(gateway, folder, live)
      const target = live === 'v1' ? 'v2' : 'v1'
      // For a rollback the other one must be the one before, whatever the rounds before this have left.
      if (action === 'rollback') {
        await ask(gateway, `proxy promote ${target}`)
        ;[former, live] = [live, target]
      }
      const next = action === 'promote' ? target : former
      await gateway.cservice('proxy', action, ...(action === 'promote' ? [target] : []))
      expect((await gateway.exited()).signal).toBe('SIGKILL')
      expect(readConfig(folder).defaultVersion).toBe(isAfter ? next : live)
      ;[former, live] = isAfter ? [live, next] : [former, live]
    }
    const gateway = await startGateway(folder, { controlPort })
    await expectLive(gateway, folder, live)
    const { entries } = await ask<{ entries: Entry[] }>(gateway, 'proxy history 100')
    // Each entry begins where the one before it has ended: no change is missing.
    expect(entries.map(({ previous }) => previous)).toEqual([...entries.slice(1).map(({ version }) => version), null])
    expect(entries[0]?.version).toBe(live)
    expect(await ask(gateway, 'proxy rollback')).toMatchObject({ previous: live })
  },
  90_000,
)

/** What proxy.json says, what the gateway says, and what is served agree. */
async function expectLive(gateway: Gateway, folder: VersionFolder, version: string): Promise<void> {
  expect(readConfig(folder).defaultVersion).toBe(version)
  expect((await proxyInfo(gateway)).liveVersion).toBe(version)
  const served = async () => (await gateway.fetch('/')).headers.get('x-served-version')
  await eventually('the answer of our own proxy process', async () => (await served()) === `${version}; by=live`)
}
