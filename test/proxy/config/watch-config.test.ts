import { mkdir, mkdtemp, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CserviceError } from '../../../src/common/errors.ts'
import { rewriteDefaultVersion } from '../../../src/proxy/config/rewrite-config.ts'
import { type ConfigChange, watchConfig } from '../../../src/proxy/config/watch-config.ts'

let folder: string
let file: string
let watched: { close(): Promise<void> } | undefined
let changes: string[]
let waiting: (() => void) | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cservice-watch-'))
  file = join(folder, 'proxy.json')
  changes = []
  await writeFile(file, configOf('v1'))
})
afterEach(async () => {
  await watched?.close()
  watched = undefined
  await rm(folder, { recursive: true, force: true })
})

function configOf(version: string): string {
  return `{ "defaultVersion": "${version}" }`
}

async function follow(): Promise<void> {
  watched = await watchConfig(file, (change) => {
    changes.push(nameOf(change))
    waiting?.()
  })
}

function nameOf(change: ConfigChange): string {
  return change instanceof CserviceError ? change.code : String(change.config.defaultVersion)
}

/** The next change that has not been read yet. */
async function nextChange(): Promise<string> {
  if (changes.length === 0)
    await new Promise<void>((resolve) => {
      waiting = resolve
    })
  waiting = undefined
  return changes.shift() ?? ''
}

async function replace(content: string): Promise<void> {
  await writeFile(`${file}.new`, content)
  await rename(`${file}.new`, file)
}

describe('following proxy.json', () => {
  it('tells of edits in place and of replacement by rename, again and again', async () => {
    await follow()
    for (const round of [1, 2, 3]) {
      await replace(configOf(`renamed${round}`))
      expect(await nextChange()).toBe(`renamed${round}`)
      await writeFile(file, configOf(`edited${round}`))
      expect(await nextChange()).toBe(`edited${round}`)
    }
  })

  it('tells of a broken edit as an error, and of its repair', async () => {
    await follow()
    await writeFile(file, '{ "defaultVersion": ')
    expect(await nextChange()).toBe('CONFIG_INVALID')
    await writeFile(file, configOf('v2'))
    expect(await nextChange()).toBe('v2')
  })

  it('tells of deletion and of creation', async () => {
    await follow()
    await unlink(file)
    expect(await nextChange()).toBe('CONFIG_NOT_FOUND')
    await writeFile(file, configOf('v2'))
    expect(await nextChange()).toBe('v2')
  })

  it('says nothing of an editor that deletes the file and writes it anew at once', async () => {
    await follow()
    await unlink(file)
    await writeFile(file, configOf('v2'))
    expect(await nextChange()).toBe('v2')
  })

  it('goes on when the whole folder is replaced', async () => {
    await follow()
    await rename(folder, `${folder}-old`)
    await mkdir(folder)
    await writeFile(file, configOf('v2'))
    expect(await nextChange()).toBe('v2')
    await replace(configOf('v3'))
    expect(await nextChange()).toBe('v3')
    await rm(`${folder}-old`, { recursive: true })
  })

  it('follows a link, and its being led elsewhere', async () => {
    await writeFile(join(folder, 'one.json'), configOf('one'))
    await writeFile(join(folder, 'two.json'), configOf('two'))
    await unlink(file)
    await symlink('one.json', file)
    await follow()
    await writeFile(join(folder, 'one.json'), configOf('changed'))
    expect(await nextChange()).toBe('changed')
    await symlink('two.json', `${file}.new`)
    await rename(`${file}.new`, file)
    expect(await nextChange()).toBe('two')
  })

  it('does not tell of a content that is the same, nor twice of one that is not', async () => {
    await follow()
    await replace(configOf('v1'))
    await utimes(file, new Date(), new Date())
    // Longer than it takes to settle, so that each write is looked at by itself.
    await new Promise((resolve) => setTimeout(resolve, 300))
    await rewriteDefaultVersion(file, 'v2')
    expect(await nextChange()).toBe('v2')
    await replace(configOf('v2'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await replace(configOf('v3'))
    expect(await nextChange()).toBe('v3')
    expect(changes).toEqual([])
  })

  it('misses no edit made right after it began', async () => {
    await follow()
    await replace(configOf('v2'))
    expect(await nextChange()).toBe('v2')
  })

  it('says nothing after it was closed', async () => {
    await follow()
    await writeFile(file, configOf('v2'))
    await watched?.close()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(changes).toEqual([])
  })
})
