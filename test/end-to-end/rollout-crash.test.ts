import { expect, test } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { ask } from '../support/proxy-info.ts'
import { startGateway } from '../support/start-gateway.ts'
import { readConfig } from '../support/state-files.ts'
import { versionFolder } from '../support/version-folder.ts'

interface State {
  readonly liveVersion: string
  readonly rollout: { readonly version: string; readonly share: number; readonly state: string } | null
  readonly mirror: { readonly version: string; readonly share: number } | null
}

const before: State = { liveVersion: 'v1', rollout: null, mirror: null }
const running: State = { ...before, rollout: { version: 'v2', share: 0.3, state: 'running' } }
const paused: State = { ...before, rollout: { version: 'v2', share: 0.3, state: 'paused' } }
const mirrored: State = { ...before, mirror: { version: 'v2', share: 0.2 } }

type Kill = readonly [faultPoint: string, words: string, next: State]

/** Each is killed at its point, and the next gateway shows what has become of it. */
const ofRollout: readonly Kill[] = [
  ['rollout:scaled', 'proxy rollout v2 30%', before],
  ['rollout:recorded', 'proxy rollout v2 30%', running],
  ['rollout:scaled', 'proxy rollout pause', running],
  ['rollout:recorded', 'proxy rollout pause', paused],
  ['rollout:acknowledged', 'proxy rollout resume', running],
  ['rollout:taken-back', 'proxy rollout abort', running],
  ['rollout:ended', 'proxy rollout abort', before],
  ['rollout:routed', 'proxy rollout v2 30%', running],
  ['promote:recorded', 'proxy promote v2', { ...before, liveVersion: 'v2' }],
]

const ofMirror: readonly Kill[] = [
  ['mirror:scaled', 'proxy mirror v2 20%', before],
  ['mirror:recorded', 'proxy mirror v2 20%', mirrored],
  ['mirror:ended', 'proxy mirror off', before],
]

test.each([
  ['a rollout', ofRollout],
  ['mirroring', ofMirror],
])(
  'a supervisor that is killed at any step of %s leaves the state before it, or the one after it',
  async (_, story) => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { rolloutKey: 'header:x-user', warmSpares: 0 })
    // The same one: who starts in the place of the killed one has its ports at once.
    const controlPort = await freePort()
    let expected = before
    for (const [faultPoint, words, next] of [...story, [null, null, null]] as const) {
      const env: Record<string, string> = faultPoint === null ? {} : { CSERVICE_FAULT_POINT: faultPoint }
      const gateway = await startGateway(folder, { controlPort, env })
      const found = await ask<State>(gateway, 'proxy info')
      const { liveVersion, rollout, mirror } = found
      expect({
        faultPoint,
        liveVersion,
        rollout: rollout && { version: rollout.version, share: rollout.share, state: rollout.state },
        mirror: mirror && { version: mirror.version, share: mirror.share },
      }).toEqual({ faultPoint, ...expected })
      const { defaultVersion, rollout: rolled, mirror: copied } = readConfig(folder)
      expect([defaultVersion, rolled !== undefined, copied !== undefined]).toEqual([
        expected.liveVersion,
        expected.rollout !== null,
        expected.mirror !== null,
      ])
      if (words === null) break
      expect((await gateway.cservice(...words.split(' '))).code).not.toBe(0)
      expect(await gateway.exited()).toMatchObject({ signal: 'SIGKILL' })
      expected = next
    }
  },
  120_000,
)
