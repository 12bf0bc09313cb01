import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import { ConfigFollower } from '../../../src/proxy/config/config-follower.ts'
import { loadConfig } from '../../../src/proxy/config/load-config.ts'
import { eventually } from '../../support/eventually.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

test('what is followed is what the file says when its turn has come, not what it said when it was seen to change', async () => {
  const { follower, write, seen, turns } = await follow({ defaultVersion: 'v1' })
  write({ defaultVersion: 'v2' })
  await eventually('the change waits for its turn', () => turns.length === 1)
  write({ defaultVersion: 'v1' }) // as a promote does that has its turn first
  await turns.shift()?.() // reads what the promote wrote, so that there is no second change to tell
  expect(seen).not.toContain('v2')
  expect(follower.inForce.defaultVersion).toBe('v1')
})

test('an edit that is put back is no error any more', async () => {
  const { follower, write, turns } = await follow({ workerCount: 1 })
  write({ workerCount: 'many' })
  await eventually('the broken edit', () => turns.length === 1)
  await turns.shift()?.()
  expect(follower.lastError).toMatchObject({ code: 'CONFIG_INVALID' })
  write({ workerCount: 1 })
  await eventually('the edit that mends it', () => turns.length === 1)
  await turns.shift()?.()
  expect(follower.lastError).toBeNull()
})

test('a broken edit that is seen at the first look and put back before the next one is no error for ever', async () => {
  const { follower, write } = await configFile({ workerCount: 1 })
  const turns: Array<() => Promise<void>> = []
  await follower.watch({ prepare: async () => {}, settle: async () => {} }, async (action) => {
    turns.push(action)
  })
  onTestFinished(() => follower.close())
  write({ workerCount: 'many' })
  await turns.shift()?.()
  expect(follower.lastError).toMatchObject({ code: 'CONFIG_INVALID' })
  write({ workerCount: 1 })
  await eventually('the edit that mends it', () => turns.length === 1)
  await turns.shift()?.()
  expect(follower.lastError).toBeNull()
})

test('a watch that is opened while the gateway is stopped is closed again', async () => {
  const { follower } = await configFile({})
  let looks = 0
  const opened = follower.watch({ prepare: async () => {}, settle: async () => {} }, async () => {
    looks++
  })
  await follower.close()
  await opened
  expect(looks).toBe(0)
})

/** Follows a file; its changes wait in `turns` until the test gives them theirs. */
async function follow(settings: Record<string, unknown>) {
  const { follower, write } = await configFile(settings)
  const turns: Array<() => Promise<void>> = []
  const seen: Array<string | null> = []
  const change = {
    prepare: async () => {},
    settle: async ({ defaultVersion }: { defaultVersion: string | null }) => {
      seen.push(defaultVersion)
    },
  }
  await follower.watch(change, async (action) => {
    turns.push(action)
  })
  onTestFinished(() => follower.close())
  await turns.shift()?.() // the first look, for an edit between the first reading and the watch
  return { follower, write, seen, turns }
}

async function configFile(settings: Record<string, unknown>) {
  const file = join(temporaryFolder(), 'proxy.json')
  const write = (content: Record<string, unknown>) => writeFileSync(file, JSON.stringify(content))
  write(settings)
  return { file, write, follower: new ConfigFollower((await loadConfig(file)).config, silentLog()) }
}
