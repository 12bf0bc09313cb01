import { expect, test } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { ask } from '../support/proxy-info.ts'
import { startGateway } from '../support/start-gateway.ts'
import { readConfig } from '../support/state-files.ts'
import { versionFolder } from '../support/version-folder.ts'

interface State {
  readonly liveVersion: string
  readonly rollout: { readonly version: string; readonly share: number } | null
  readonly mirror: { readonly version: string; readonly share: number } | null
}

const before = { live: 'v1', rollout: null }
const after = { live: 'v1', rollout: { version: 'v2', share: 0.3 } }

/** Each is killed at its point, and the next gateway shows what has become of it. */
const story: ReadonlyArray<readonly [faultPoint: string, words: string, state: { live: string; rollout: unknown }]> = [
  ['rollout:scaled', 'proxy rollout v2 30%', before],
  ['rollout:recorded', 'proxy rollout v2 30%', after],
  ['rollout:taken-back', 'proxy rollout abort', after],
  ['rollout:ended', 'proxy rollout abort', before],
  ['rollout:routed', 'proxy rollout v2 30%', after],
  ['promote:recorded', 'proxy promote v2', { live: 'v2', rollout: null }],
]

test('a supervisor that is killed at any step of a rollout leaves the state before it, or the one after it', async () => {
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { rolloutKey: 'header:x-user', warmSpares: 0 })
  // The same one: who starts in the place of the killed one has its ports at once.
  const controlPort = await freePort()
  let expected: { live: string; rollout: unknown } = before
  for (const [faultPoint, words, next] of [...story, [null, null, null]] as const) {
    const env: Record<string, string> = faultPoint === null ? {} : { CSERVICE_FAULT_POINT: faultPoint }
    const gateway = await startGateway(folder, { controlPort, env })
    const { liveVersion, rollout } = await ask<State>(gateway, 'proxy info')
    expect({
      faultPoint,
      live: liveVersion,
      rollout: rollout && { version: rollout.version, share: rollout.share },
    }).toEqual({
      faultPoint,
      ...expected,
    })
    const { defaultVersion, rollout: written } = readConfig(folder)
    expect({ live: defaultVersion, isWritten: written !== undefined }).toEqual({
      live: expected.live,
      isWritten: expected.rollout !== null,
    })
    if (words === null) break
    expect((await gateway.cservice(...words.split(' '))).code).not.toBe(0)
    expect(await gateway.exited()).toMatchObject({ signal: 'SIGKILL' })
    expected = next
  }
}, 120_000)
