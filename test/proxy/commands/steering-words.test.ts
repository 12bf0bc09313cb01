import { expect, it } from 'vitest'
import { startGateway } from '../../support/start-gateway.ts'
import { versionFolder } from '../../support/version-folder.ts'

it('versions that are called like a word of rollout and mirror are versions, with a share behind them', async () => {
  const folder = await versionFolder({ v1: 'http', pause: 'http', off: 'http' })
  const gateway = await startGateway(folder)
  const rollout = (...words: string[]) => gateway.cservice('proxy', 'rollout', ...words, '--json')

  expect((await rollout('pause', '10%', '--dry-run')).json).toMatchObject({ dryRun: true, version: 'pause' })
  expect((await rollout('pause', '10%')).json).toMatchObject({ version: 'pause', state: 'running' })
  expect((await rollout('pause')).json).toMatchObject({ version: 'pause', state: 'paused' })
  expect((await rollout('abort')).json).toMatchObject({ version: 'pause', result: 'aborted' })
  expect((await rollout('constructor')).json).toMatchObject({
    error: { code: 'BAD_USAGE', message: expect.stringContaining('share') },
  })

  const mirror = (...words: string[]) => gateway.cservice('proxy', 'mirror', ...words, '--json')
  expect((await mirror('off', '5%')).json).toMatchObject({ mirror: { version: 'off', share: 0.05 } })
  expect((await mirror('off')).json).toMatchObject({ mirror: null, was: { version: 'off' } })
})
