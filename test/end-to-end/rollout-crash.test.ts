import { expect, test } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { ask } from '../support/proxy-info.ts'
import { startGateway } from '../support/start-gateway.ts'
import { readConfig } from '../support/state-files.ts'
import { versionFolder } from '../support/version-folder.ts'

interface Plan {
  readonly version: string
  readonly share: number
  readonly state?: string
}

interface State {
  readonly liveVersion: string
  readonly rollout: Plan | null
  readonly mirror: Plan | null
}

interface Expected {
  readonly live: string
  readonly rollout: Plan | null
  readonly mirror: Plan | null
}

const before: Expected = { live: 'v1', rollout: null, mirror: null }
const mirrored: Expected = { ...before, mirror: { version: 'v2', share: 0.05 } }
const after: Expected = { ...before, rollout: { version: 'v2', share: 0.3, state: 'running' } }
const paused: Expected = { ...before, rollout: { version: 'v2', share: 0.3, state: 'paused' } }

/** Each is killed at its point, and the next gateway shows what has become of it. */
const story: ReadonlyArray<readonly [faultPoint: string, words: string, state: Expected]> = [
  ['mirror:scaled', 'proxy mirror v2 5%', before],
  ['mirror:recorded', 'proxy mirror v2 5%', mirrored],
  ['mirror:ended', 'proxy mirror off', before],
  ['rollout:scaled', 'proxy rollout v2 30%', before],
  ['rollout:recorded', 'proxy rollout v2 30%', after],
  ['rollout:scaled', 'proxy rollout pause', after],
  ['rollout:recorded', 'proxy rollout pause', paused],
  ['rollout:scaled', 'proxy rollout resume', paused],
  ['rollout:acknowledged', 'proxy rollout resume', after],
  ['rollout:taken-back', 'proxy rollout abort', after],
  ['rollout:ended', 'proxy rollout abort', before],
  ['rollout:routed', 'proxy rollout v2 30%', after],
  ['promote:recorded', 'proxy promote v2', { ...before, live: 'v2' }],
]

test('a supervisor that is killed at any step of a rollout or of mirroring leaves the state before it, or the one after it', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { rolloutKey: 'header:x-user', warmSpares: 0 })
  // The same one: who starts in the place of the killed one has its ports at once.
  const controlPort = await freePort()
  let expected = before
  for (const [faultPoint, words, next] of [...story, [null, null, null]] as const) {
    const env: Record<string, string> = faultPoint === null ? {} : { CSERVICE_FAULT_POINT: faultPoint }
    const gateway = await startGateway(folder, { controlPort, env })
    const { liveVersion, rollout, mirror } = await ask<State>(gateway, 'proxy info')
    expect({
      faultPoint,
      live: liveVersion,
      rollout: rollout && { version: rollout.version, share: rollout.share, state: rollout.state },
      mirror: mirror && { version: mirror.version, share: mirror.share },
    }).toEqual({ faultPoint, ...expected })
    const written = readConfig(folder)
    expect([written.defaultVersion, written.rollout !== undefined, written.mirror !== undefined]).toEqual([
      expected.live,
      expected.rollout !== null,
      expected.mirror !== null,
    ])
    if (words === null) break
    expect((await gateway.cservice(...words.split(' '))).code).not.toBe(0)
    expect(await gateway.exited()).toMatchObject({ signal: 'SIGKILL' })
    expected = next
  }
}, 120_000)
