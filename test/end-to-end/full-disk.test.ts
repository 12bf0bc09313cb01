import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { tgz } from '../proxy/releases/tarball.ts'
import { ask, proxyInfo } from '../support/proxy-info.ts'
import { canMount, smallDisk } from '../support/small-disk.ts'
import { startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { versionFolder } from '../support/version-folder.ts'

// Only root may mount a disk that is small enough to be filled.
it.skipIf(!canMount)(
  'a full disk undoes what it stops, keeps proxy.json whole, and is served from as before',
  async () => {
    const disk = smallDisk(4_000_000)
    const archive = join(temporaryFolder(), 'big.tgz')
    writeFileSync(archive, tgz({ path: 'worker.js', body: 'x' }, { path: 'data', body: Buffer.alloc(8_000_000) }))
    vi.stubEnv('TMPDIR', disk.path)
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { warmSpares: 0 }).finally(() => vi.unstubAllEnvs())
    const gateway = await startGateway(folder)
    const before = readFileSync(folder.config, 'utf8')
    const failure = async (...words: string[]) => (await gateway.cservice(...words, '--json')).json
    const expectAsBefore = async () => {
      expect(readdirSync(folder.path).toSorted()).toEqual(['.cservice', 'proxy.json', 'v1', 'v2'])
      expect(readFileSync(folder.config, 'utf8')).toBe(before)
      expect((await proxyInfo(gateway)).liveVersion).toBe('v1')
      expect(await (await gateway.fetch('/')).json()).toMatchObject({ version: 'v1' })
    }

    expect(await failure('proxy', 'deploy', archive, '--as', 'v3')).toMatchObject({
      error: { code: 'RELEASE_NOT_WRITTEN', message: expect.stringMatching(/the disk is full \(ENOSPC/) },
    })
    await expectAsBefore()

    disk.fill()
    for (const words of ['proxy promote v2', 'proxy rollout v2 30%', 'proxy mirror v2 5%']) {
      expect(await failure(...words.split(' '))).toMatchObject({
        error: { code: 'CONFIG_WRITE_FAILED', message: expect.stringContaining('ENOSPC') },
      })
      await expectAsBefore()
    }
    expect(await failure('proxy', 'deploy', archive, '--as', 'v3')).toMatchObject({
      error: { code: 'RELEASE_NOT_WRITTEN' },
    })
    await expectAsBefore()

    disk.free()
    await ask(gateway, 'proxy promote v2')
    expect(await ask(gateway, 'proxy rollback')).toMatchObject({ previous: 'v2' })
    await expectAsBefore()
  },
  60_000,
)

it.skipIf(!canMount)('a version can be removed from a full disk, which makes room again', async () => {
  const disk = smallDisk(4_000_000)
  vi.stubEnv('TMPDIR', disk.path)
  const folder = await versionFolder({ v1: 'http', v2: 'http' }, { warmSpares: 0 }).finally(() => vi.unstubAllEnvs())
  const gateway = await startGateway(folder)
  disk.fill()
  await gateway.command('proxy', 'remove', 'v2')
  expect(readdirSync(folder.path).toSorted()).toEqual(['.cservice', 'proxy.json', 'v1'])
})
