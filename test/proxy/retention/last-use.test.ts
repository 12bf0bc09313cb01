import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { silentLog } from '../../../src/common/log.ts'
import { LastUse } from '../../../src/proxy/retention/last-use.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

it('the last use and the arrival of versions are known again after a restart, whatever their names', async () => {
  const config = join(temporaryFolder(), 'proxy.json')
  const before = new LastUse(config, silentLog())
  before.see('__proto__', 1_000)
  before.see('v2', 2_000)
  before.use('v2', 3_000)
  before.use('v2', 2_500) // what a slow proxy process reports late is no later use
  await before.save()
  const after = new LastUse(config, silentLog())
  await after.load()
  expect([after.seenAt('__proto__'), after.usedAt('__proto__')]).toEqual([1_000, null])
  expect([after.seenAt('v2'), after.usedAt('v2'), after.lastOf('v2')]).toEqual([2_000, 3_000, 3_000])
  after.see('v2', 9_000)
  expect(after.lastOf('v2')).toBe(3_000)
  after.see('v2', 9_000, true) // another folder of that name
  expect(after.lastOf('v2')).toBe(9_000)
})

it('a file that is broken, or cannot be written, is no reason to fail', async () => {
  const broken = new LastUse(join(temporaryFolder(), 'proxy.json'), silentLog())
  mkdirSync(dirname(broken.file))
  writeFileSync(broken.file, '{"v1":{"seen":1')
  await broken.load()
  broken.use('v1', 5)
  await broken.save()
  expect(broken.usedAt('v1')).toBe(5)
  const unwritable = new LastUse(join(temporaryFolder(), 'proxy.json'), silentLog())
  writeFileSync(dirname(unwritable.file), 'a file in the place of the folder')
  unwritable.use('v1', 5)
  await unwritable.save()
})
