import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import { ask, versionInfo } from '../support/proxy-info.ts'
import { failed, rest, restWords } from '../support/rest.ts'
import { startGateway } from '../support/start-gateway.ts'
import { journalOf, readConfig } from '../support/state-files.ts'
import { type VersionFolder, versionFolder } from '../support/version-folder.ts'

interface Listed {
  readonly name: string
  readonly marks: readonly string[]
  readonly size: number | null
  readonly lastUsed: string | null
  readonly workers: number
}

describe('proxy versions', () => {
  it('lists what is on disk in the order of versions, with what keeps it, its size, and its last use, also after a restart', async () => {
    const folder = await versionFolder({ v10: 'http', v9: 'http', v2: 'http' }, { retain: { keep: ['v1*'] } })
    const controlPort = await freePort()
    const first = await startGateway(folder, { controlPort })
    await ask(first, 'proxy promote v9')
    expect((await first.fetch('/', { version: 'v2' })).status).toBe(200)
    await eventually('the request is counted', async () => (await versionInfo(first, 'v2')).requests === 1)
    const listed = await ask<{ versions: Listed[] }>(first, 'proxy versions')
    expect(listed).toMatchObject({
      live: 'v9',
      previous: 'v10',
      versions: [
        { name: 'v2', marks: [], state: 'ready', workers: 1, lastUsed: expect.any(String) },
        { name: 'v9', marks: ['live'] },
        { name: 'v10', marks: ['pinned', 'warm', 'previous'] },
      ],
    })
    for (const { size } of listed.versions) expect(size).toBeGreaterThan(10)
    const shown = await first.cservice('proxy', 'versions')
    expect(shown.stdout).toMatch(
      /^version +kept as +state +workers +size +age +last used\nv2 +- +ready +1 +\d+ B +\d+ s +\d+ s ago\n/,
    )
    await first.stop()
    const second = await startGateway(folder, { controlPort })
    const again = await ask<{ versions: Listed[] }>(second, 'proxy versions')
    expect(again.versions[0]?.lastUsed).toBe(listed.versions[0]?.lastUsed)
  })
})

describe('proxy remove', () => {
  it('takes a version off the disk and out of service, and never the live one or, unforced, one in use', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http', v3: 'http' })
    const gateway = await startGateway(folder, { words: restWords })
    expect(await failed(gateway, 'proxy', 'remove', 'v1', '--force')).toMatchObject({
      code: 'VERSION_IN_USE',
      message: 'v1 is live',
    })
    expect(await failed(gateway, 'proxy', 'remove', 'v9')).toMatchObject({ code: 'UNKNOWN_VERSION' })
    const slow = gateway.fetch('/slow?ms=1500', { version: 'v2' })
    await eventually('the request is counted', async () => (await versionInfo(gateway, 'v2')).inFlight === 1)
    expect((await failed(gateway, 'proxy', 'remove', 'v2')).message).toBe('v2 has 1 request in flight')
    expect(await rest(gateway, 'proxy', 'remove', 'v2', '--force')).toMatchObject({ version: 'v2', removed: true })
    // What was in flight is finished, and nothing new begins.
    expect((await slow).status).toBe(200)
    expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(404)
    expect(foldersOf(folder)).toEqual(['v1', 'v3'])
    await rest(gateway, 'proxy', 'promote', 'v3')
    expect((await failed(gateway, 'proxy', 'remove', 'v1')).message).toMatch(
      /^v1 is kept warm for a rollback, for \d+ s more$/,
    )
    expect(await rest(gateway, 'proxy', 'remove', 'v1', '--force')).toMatchObject({ version: 'v1' })
    expect(await failed(gateway, 'proxy', 'rollback')).toMatchObject({
      code: 'NO_FORMER_VERSION',
      details: { skipped: ['v1'] },
    })
    const removed = journalOf(folder).filter(({ action, result }) => action === 'remove' && result === 'done')
    expect(removed.map(({ version }) => version)).toEqual(['v2', 'v1'])
  })

  it('killed between taking it out and deleting it, has removed it, and the next start deletes what is left', async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http' })
    const controlPort = await freePort()
    const env = { CSERVICE_FAULT_POINT: 'remove:thrown-away' }
    const first = await startGateway(folder, { controlPort, env })
    await first.cservice('proxy', 'remove', 'v2')
    expect((await first.exited()).signal).toBe('SIGKILL')
    expect(existsSync(join(folder.path, 'v2'))).toBe(false)
    expect(foldersOf(folder)).toEqual([expect.stringMatching(/^\.trash-v2-/), 'v1'])
    const second = await startGateway(folder, { controlPort })
    await eventually('it is deleted', () => foldersOf(folder).length === 1)
    expect((await second.fetch('/', { version: 'v2' })).status).toBe(404)
  })
})

it('retain prunes after a promote what is neither in use nor among the last, and never the way back', async () => {
  const versions = { v1: 'http', v2: 'http', v3: 'http', v4: 'http', v5: 'http', v6: 'http' } as const
  const settings = { keepWarm: 0, nonDefaultWorkerIdleTime: 1, retain: { count: 1, keep: ['v2'] } }
  const folder = await versionFolder(versions, settings)
  const gateway = await startGateway(folder)
  await ask(gateway, 'proxy promote v6')
  await eventually('it has pruned', () => foldersOf(folder).join() === 'v1,v2,v5,v6')
  const pruned = journalOf(folder).filter(({ action }) => action === 'prune')
  expect(pruned.map(({ version }) => version).sort()).toEqual(['v3', 'v4'])
  expect(pruned[0]).toMatchObject({ by: 'retain', result: 'done', details: { reason: 'promote' } })
  expect(await ask(gateway, 'proxy rollback')).toMatchObject({ version: 'v1' })
  expect((await gateway.fetch('/', { version: 'v5' })).status).toBe(200)
})

it('a key of retain that means nothing is a warning, and a wrong value is refused with what is allowed', async () => {
  const folder = await versionFolder({ v1: 'http' }, { retain: { counts: 3 } })
  const gateway = await startGateway(folder)
  expect(gateway.output).toMatch(/retain\.counts.*count/)
  writeFileSync(folder.config, JSON.stringify({ ...readConfig(folder), retain: { count: 0 } }))
  const error = async () => (await ask<{ configError: string | null }>(gateway, 'proxy info')).configError
  await eventually('the edit is refused', async () => (await error())?.includes('a whole number from 1 to 10000'))
})

/** Folders beside proxy.json, hidden ones but ours among them. */
function foldersOf({ path }: VersionFolder): string[] {
  const entries = readdirSync(path, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== '.cservice')
    .map(({ name }) => name)
    .sort()
}
