import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import { ConfigFollower } from '../../../src/proxy/config/config-follower.ts'
import { loadConfig } from '../../../src/proxy/config/load-config.ts'
import { digestOf } from '../../../src/proxy/routing/access/preview-lock.ts'
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

test('a key that is changed in its own file is followed, and a broken one refused until it is mended', async () => {
  const { follower, write, folder, turns, next } = await follow({})
  const key = (text: string) => writeFileSync(join(folder, 'preview.key'), text)
  write({ previewKey: { 'v*': { file: 'preview.key' } } })
  await next()
  expect(follower.lastError?.message).toMatch(/proxy\.json:1:\d+.*preview\.key, which cannot be read/s)
  expect(follower.inForce.access.previews).toEqual([])

  key('a-key-that-came-later\n')
  await eventually('the key that came later', async () => {
    await turns.shift()?.()
    return follower.lastError === null
  })
  expect(follower.inForce.access.previews).toEqual([digest('a-key-that-came-later')])

  key('short')
  await eventually('the broken key', async () => {
    await turns.shift()?.()
    return follower.lastError !== null
  })
  expect(follower.lastError?.message).toMatch(/which holds none/)
  expect(follower.inForce.access.previews).toEqual([digest('a-key-that-came-later')])

  writeFileSync(join(folder, 'next.key'), 'a-key-that-is-rotated')
  renameSync(join(folder, 'next.key'), join(folder, 'preview.key'))
  await eventually('the rotated key', async () => {
    await turns.shift()?.()
    return follower.lastError === null
  })
  expect(follower.inForce.access.previews).toEqual([digest('a-key-that-is-rotated')])
})

function digest(key: string) {
  return { versions: 'v*', digest: digestOf(key).toString('base64') }
}

/** Follows a file; its changes wait in `turns` until the test gives them theirs. */
async function follow(settings: Record<string, unknown>) {
  const { follower, write, folder } = await configFile(settings)
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
  const next = async () => {
    await eventually('the next turn', () => turns.length > 0)
    await turns.shift()?.()
  }
  return { follower, write, folder, seen, turns, next }
}

async function configFile(settings: Record<string, unknown>) {
  const folder = temporaryFolder()
  const file = join(folder, 'proxy.json')
  const write = (content: Record<string, unknown>) => writeFileSync(file, JSON.stringify(content))
  write(settings)
  return { file, folder, write, follower: new ConfigFollower((await loadConfig(file)).config, silentLog()) }
}
