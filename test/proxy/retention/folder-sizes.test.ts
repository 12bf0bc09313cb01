import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FolderSizes } from '../../../src/proxy/retention/folder-sizes.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

it('the size of a folder is that of all its files; links are not followed', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'a', 'b'), { recursive: true })
  for (let index = 0; index < 30; index++) writeFileSync(join(folder, 'a', `${index}`), 'x'.repeat(100))
  writeFileSync(join(folder, 'a', 'b', 'c'), 'x'.repeat(5))
  symlinkSync(folder, join(folder, 'a', 'loop'))
  const sizes = new FolderSizes()
  expect(sizes.knownSizeOf(folder)).toBe(null)
  expect(await sizes.sizeOf(folder)).toBe(3_005 + folder.length)
  expect(sizes.knownSizeOf(folder)).toBe(3_005 + folder.length)
  sizes.forget(folder)
  expect(sizes.knownSizeOf(folder)).toBe(null)
  expect(await sizes.sizeOf(join(folder, 'missing'))).toBe(null)
})

it('what is still to be measured when the gateway stops is not measured', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'a'), 'x')
  const sizes = new FolderSizes()
  sizes.close()
  expect(await sizes.sizeOf(folder)).toBe(null)
})
