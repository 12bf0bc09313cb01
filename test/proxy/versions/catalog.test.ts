import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Catalog, findWorkerFile } from '../../../src/proxy/versions/catalog.ts'
import { sortVersionNames } from '../../../src/proxy/versions/version-order.ts'

let root: string
let versions: string
let catalog: Catalog | undefined

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cservice-catalog-'))
  versions = join(root, 'versions')
  await mkdir(versions)
})
afterEach(async () => {
  await catalog?.close()
  catalog = undefined
  await rm(root, { recursive: true, force: true })
})

async function addVersion(name: string, worker = 'worker.js'): Promise<void> {
  await mkdir(join(versions, name, worker, '..'), { recursive: true })
  await writeFile(join(versions, name, worker), '')
}

async function open(workerFilename = 'worker.js'): Promise<Catalog> {
  catalog = await Catalog.open(versions, workerFilename)
  return catalog
}

/** Resolves once the catalog, as it follows the disk by itself, holds just these names. */
async function until(opened: Catalog, ...names: string[]): Promise<void> {
  while (opened.names.join() !== names.join()) await once(opened, 'change')
}

describe('the catalog', () => {
  it('holds the folders and links to folders that have a worker file and a valid name', async () => {
    await addVersion('v1')
    await addVersion('.hidden')
    await addVersion('not valid')
    await mkdir(join(versions, 'empty'))
    await mkdir(join(versions, 'odd', 'worker.js'), { recursive: true })
    await writeFile(join(versions, 'proxy.json'), '{}')
    await mkdir(join(root, 'elsewhere'))
    await writeFile(join(root, 'elsewhere', 'worker.js'), '')
    await symlink(join(root, 'elsewhere'), join(versions, 'linked'))
    await symlink('nowhere', join(versions, 'broken'))
    const opened = await open()
    expect(opened.names).toEqual(['linked', 'v1'])
    expect(opened.has('v1')).toBe(true)
    for (const name of ['v2', 'constructor', '__proto__', '../versions/v1', '.hidden'])
      expect(opened.has(name)).toBe(false)
  })

  it('finds a worker file by a name without extension, and in a folder below', async () => {
    await addVersion('v1', 'dist/main.mjs')
    await addVersion('v2', 'dist/main')
    await addVersion('v3', 'main.js')
    expect((await open('dist/main')).names).toEqual(['v1', 'v2'])
    expect(await findWorkerFile(join(versions, 'v1'), 'dist/main')).toBe(join(versions, 'v1', 'dist/main.mjs'))
    expect(await findWorkerFile(join(versions, 'v3'), 'dist/main')).toBe(null)
  })

  it('sees a version that is moved in, and one that is deleted', async () => {
    await addVersion('v1')
    const opened = await open()
    await mkdir(join(root, 'v2'))
    await writeFile(join(root, 'v2', 'worker.js'), '')
    const change = once(opened, 'change')
    await rename(join(root, 'v2'), join(versions, 'v2'))
    expect(await change).toEqual([{ added: ['v2'], removed: [] }])
    await rm(join(versions, 'v1'), { recursive: true })
    await until(opened, 'v2')
  })

  it('sees a version whose worker file comes long after its folder', async () => {
    const opened = await open('dist/worker')
    for (const name of ['v1', 'v2']) {
      await mkdir(join(versions, name))
      await opened.rescan()
      await mkdir(join(versions, name, 'dist'))
      await writeFile(join(versions, name, 'readme'), '')
      await writeFile(join(versions, name, 'dist', 'worker.js'), '')
    }
    await until(opened, 'v1', 'v2')
  })

  it('sees a version that was unfinished when it was opened, and one that was made anew meanwhile', async () => {
    await mkdir(join(versions, 'v1'))
    await mkdir(join(versions, 'v2'))
    const opened = await open()
    await writeFile(join(versions, 'v1', 'worker.js'), '')
    await until(opened, 'v1')
    await rm(join(versions, 'v2'), { recursive: true })
    await mkdir(join(versions, 'v2'))
    await opened.rescan()
    await writeFile(join(versions, 'v2', 'worker.js'), '')
    await until(opened, 'v1', 'v2')
  })

  it('sees a link being made and taken away', async () => {
    await mkdir(join(root, 'elsewhere'))
    await writeFile(join(root, 'elsewhere', 'worker.js'), '')
    const opened = await open()
    await symlink(join(root, 'elsewhere'), join(versions, 'v1'))
    await until(opened, 'v1')
    await unlink(join(versions, 'v1'))
    await until(opened)
  })

  it('goes on when its folder is deleted and created again', async () => {
    await addVersion('v1')
    const opened = await open()
    await rm(versions, { recursive: true })
    await until(opened)
    await addVersion('v2')
    await until(opened, 'v2')
    await addVersion('v3')
    await until(opened, 'v2', 'v3')
  })

  it('goes on when its folder is replaced by another', async () => {
    await addVersion('v1')
    const opened = await open()
    await rename(versions, join(root, 'old'))
    await addVersion('v2')
    await until(opened, 'v2')
    await addVersion('v3')
    await until(opened, 'v2', 'v3')
  })

  it('covers, by a rescan, what was on disk when it was asked for', async () => {
    const opened = await open()
    const scans: Promise<void>[] = []
    for (let index = 1; index <= 20; index++) {
      await addVersion(`v${index}`)
      scans.push(opened.rescan().then(() => expect(opened.has(`v${index}`)).toBe(true)))
    }
    await Promise.all(scans)
    expect(opened.names.at(-1)).toBe('v20')
  })

  it('says why a name is no version', async () => {
    await addVersion('v1')
    await mkdir(join(versions, 'empty'))
    await writeFile(join(versions, 'file'), '')
    const opened = await open()
    expect(await opened.explain('v1')).toBe('v1 is a version')
    expect(await opened.explain('v9')).toBe(`there is no folder v9 in ${versions}`)
    expect(await opened.explain('empty')).toBe(`the folder ${join(versions, 'empty')} has no worker.js`)
    expect(await opened.explain('file')).toBe(`${join(versions, 'file')} is not a folder`)
    expect(await opened.explain('../v1')).toMatch(/^"\.\.\/v1" cannot be a version name/)
    expect((await opened.explain('x'.repeat(10_240))).length).toBeLessThan(300)
  })

  it('cannot be opened on a folder that is missing or none', async () => {
    await expect(Catalog.open(join(root, 'none'), 'worker.js')).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' })
    await writeFile(join(root, 'file'), '')
    await expect(Catalog.open(join(root, 'file'), 'worker.js')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('says nothing after it was closed', async () => {
    const opened = await open()
    opened.on('change', () => expect.unreachable())
    await addVersion('v1')
    await opened.close()
    await opened.rescan()
    expect(opened.names).toEqual([])
  })

  it.runIf(process.platform === 'linux')('costs next to no watches with a thousand versions', async () => {
    for (let index = 0; index < 1000; index++) {
      await addVersion(`v${index}`)
      await mkdir(join(versions, `v${index}`, 'node_modules'))
    }
    const before = await inotifyWatches()
    const begin = performance.now()
    const opened = await open()
    expect(performance.now() - begin).toBeLessThan(5000)
    expect(opened.names).toHaveLength(1000)
    expect((await inotifyWatches()) - before).toBeLessThan(5)
  })
})

/** Of this process: each stands on a line of its own in the description of the inotify descriptor. */
async function inotifyWatches(): Promise<number> {
  const { readdir } = await import('node:fs/promises')
  const descriptors = await readdir('/proc/self/fdinfo')
  const infos = await Promise.all(
    descriptors.map((name) => readFile(`/proc/self/fdinfo/${name}`, 'utf8').catch(() => '')),
  )
  return infos.join('\n').match(/^inotify wd:/gm)?.length ?? 0
}

describe('the order of version names', () => {
  it('is that of semver where all look like it', () => {
    expect(sortVersionNames(['v10', 'v2', 'v2.1', 'v2.0.0-rc.1', '1.9'])).toEqual([
      '1.9',
      'v2.0.0-rc.1',
      'v2',
      'v2.1',
      'v10',
    ])
  })

  it('is natural where one does not', () => {
    expect(sortVersionNames(['b10', 'b9', 'v1.0.0-b', 'v1.0.0'])).toEqual(['b9', 'b10', 'v1.0.0', 'v1.0.0-b'])
  })
})
