import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { diffVersions } from '../../../src/proxy/diff/diff-versions.ts'
import { packageChanges } from '../../../src/proxy/diff/package-changes.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

it('tells what was added, removed and changed, by content, and sums up node_modules', async () => {
  const folder = temporaryFolder()
  const large = 'x'.repeat(200_000)
  write(folder, 'v1/worker.js', 'one')
  write(folder, 'v1/same/large', large)
  write(folder, 'v1/changed-late', `${large}a`)
  write(folder, 'v1/gone', 'gone')
  write(folder, 'v1/script', '#!/bin/sh')
  write(folder, 'v1/node_modules/a/index.js', 'a')
  write(folder, 'v1/package.json', '{ "version": "1.0.0", "dependencies": { "a": "^1.0.0", "b": "1" } }')
  symlinkSync('worker.js', join(folder, 'v1', 'link'))
  cpSync(join(folder, 'v1'), join(folder, 'v2'), { recursive: true, verbatimSymlinks: true })
  utimesSync(join(folder, 'v2/same/large'), 1, 1)
  write(folder, 'v2/changed-late', `${large}b`)
  rmSync(join(folder, 'v2/gone'))
  rmSync(join(folder, 'v2/link'))
  symlinkSync('package.json', join(folder, 'v2', 'link'))
  chmodSync(join(folder, 'v2/script'), 0o755)
  write(folder, 'v2/lib/new.js', 'new')
  write(folder, 'v2/node_modules/a/index.js', 'changed')
  write(folder, 'v2/node_modules/c/index.js', 'c')
  write(folder, 'v2/package.json', '{ "version": "1.1.0", "dependencies": { "a": "^2.0.0", "c": "3" } }')

  const diff = await diffVersions(folder, 'v1', 'v2')
  expect(diff).toMatchObject({
    added: { count: 1, shown: [{ path: 'lib/new.js', from: null, to: 3 }] },
    removed: { count: 1, shown: [{ path: 'gone', from: 4, to: null }] },
    nodeModules: { added: 1, removed: 0, changed: 1 },
    same: 2,
    packageVersions: ['1.0.0', '1.1.0'],
    dependencies: {
      count: 3,
      shown: [
        { name: 'a', from: '^1.0.0', to: '^2.0.0' },
        { name: 'b', from: '1', to: null },
        { name: 'c', from: null, to: '3' },
      ],
    },
  })
  expect(diff.changed.shown.map(({ path }) => path)).toEqual(['changed-late', 'link', 'package.json', 'script'])
  expect(await diffVersions(folder, 'v1', 'v1')).toMatchObject({ added: { count: 0 }, changed: { count: 0 }, same: 8 })
})

it('names a bounded number of files, and says how many there are', async () => {
  const folder = temporaryFolder()
  write(folder, 'v1/worker.js', '')
  write(folder, 'v2/worker.js', '')
  for (let index = 0; index < 300; index++) write(folder, `v2/files/${index}`, '')
  const { added } = await diffVersions(folder, 'v1', 'v2')
  expect(added.count).toBe(300)
  expect(added.shown).toHaveLength(200)
})

it('dependencies that are no object are none', () => {
  expect(packageChanges({ dependencies: 'a' }, { dependencies: ['b'] })).toEqual([])
  expect(packageChanges({}, { devDependencies: { a: 1 } })).toEqual([
    { name: 'a', kind: 'devDependencies', from: null, to: '1' },
  ])
})

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
