import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entryOptionNames, makeEntry } from '../../../src/supervisor/plain/make-entry.ts'
import { resolveIdentity } from '../../../src/supervisor/plain/run-as.ts'
import type { WorkerEntry } from '../../../src/supervisor/plain/worker-entry.ts'
import { temporaryDirectory } from '../control/resources.ts'

const defaults: Omit<WorkerEntry, 'name' | 'file'> = {
  cwd: '/',
  count: 2,
  isImmune: false,
  args: ['--given'],
  env: { COLOUR: 'blue' },
  uid: null,
  gid: null,
  limits: { memory: 1000, upTime: null, unresponsive: null },
  restartDelay: 100,
  isSilent: false,
}

/** A folder with worker files of the names given. */
function folderWith(...names: string[]): string {
  const folder = realpathSync(temporaryDirectory())
  for (const name of names) writeFileSync(join(folder, name), '')
  return folder
}

function make(folder: string, path: string, options: Record<string, unknown> = {}): Promise<WorkerEntry> {
  return makeEntry({ name: 'web', path, options, defaults, folders: [folder] })
}

describe('the entry of a worker', () => {
  it('has the defaults where the options say nothing, or null', async () => {
    const folder = folderWith('w.js')
    const expected = { ...defaults, name: 'web', file: join(folder, 'w.js') }
    expect(await make(folder, 'w.js')).toEqual(expected)
    expect(await make(folder, './w', { count: null, cwd: undefined, restart: null })).toEqual(expected)
  })

  it('takes what the options say', async () => {
    const folder = folderWith('w.js')
    mkdirSync(join(folder, 'below'))
    const options = {
      cwd: 'below',
      count: 3,
      restart: false,
      args: ['a', 'b'],
      silent: true,
      restartOnMemUsage: 0,
      restartOnUpTime: 7.5,
      restartOnUnresponsive: true,
      restartDelayMs: 5,
      timeout: 1000,
      type: 'user',
    }
    expect(await make(folder, 'w.js', options)).toEqual({
      ...defaults,
      name: 'web',
      file: join(folder, 'w.js'),
      cwd: join(folder, 'below'),
      count: 3,
      isImmune: true,
      args: ['a', 'b'],
      isSilent: true,
      limits: { memory: null, upTime: 7.5, unresponsive: 30 },
      restartDelay: 5,
    })
  })

  it('gives every other key to the environment, as text, over the default one', async () => {
    const folder = folderWith('w.js')
    const { env } = await make(folder, 'w.js', { PROXY_PORT: 8080, version: 'v1', list: [1], on: true, COLOUR: null })
    expect(env).toEqual({ PROXY_PORT: '8080', version: 'v1', list: '[1]', on: 'true' })
  })

  it.each(['w', 'w.js', './w', 'w.mjs'])('finds the file by %s', async (path) => {
    const name = path.endsWith('.mjs') ? 'w.mjs' : 'w.js'
    expect((await make(folderWith('w.js', 'w.mjs'), path)).file).toMatch(new RegExp(`/${name}$`))
  })

  it.each(['.mjs', '.cjs', '.ts'])('finds a file that ends in %s without it', async (extension) => {
    expect((await make(folderWith(`w${extension}`), 'w')).file).toMatch(new RegExp(`/w\\${extension}$`))
  })

  it('looks in the second folder for what is not in the first', async () => {
    const [first, second] = [folderWith(), folderWith('w.js')]
    const entry = await makeEntry({ name: 'web', path: 'w', defaults, folders: [first, second] })
    expect(entry.file).toBe(join(second, 'w.js'))
  })

  it('is refused with the legacy text when there is no such file, or it is a folder', async () => {
    const folder = folderWith()
    mkdirSync(join(folder, 'sub'))
    for (const path of ['nope.js', 'sub', 'w\0.js']) {
      await expect(make(folder, path)).rejects.toMatchObject({
        code: 'WORKER_NOT_FOUND',
        status: 400,
        exitCode: 1,
        message: `Worker not found: '${join(folder, path)}'. Set 'workers' option to proper path.`,
      })
    }
  })

  it.each<[Record<string, unknown>, RegExp]>([
    [{ count: 0 }, /'count': found 0, allowed: a whole number from 1 to 1024/],
    [{ count: 1.5 }, /'count': found 1.5/],
    [{ count: '2x' }, /'count': found "2x"/],
    [{ restart: 'no' }, /'restart': found "no", allowed: true or false/],
    [{ args: 'a' }, /'args': found "a", allowed: a list of texts/],
    [{ args: ['a\0b'] }, /'args'/],
    [{ restartOnMemUsage: -1 }, /'restartOnMemUsage'/],
    [{ restartOnUnresponsive: 'soon' }, /'restartOnUnresponsive'/],
    [{ cwd: 'nowhere' }, /There is no folder .*nowhere/],
    [{ 'A B': '1' }, /"A B" is neither an option/],
    [{ '1A': '1' }, /neither an option/],
    [{ 'A=B': '1' }, /neither an option/],
    [{ '': '1' }, /neither an option/],
    [{ A: 'x\0y' }, /Variable 'A': allowed are text without NUL, a number, JSON$/],
    [{ A: () => {} }, /text without NUL/],
  ])('%j is refused', async (options, message) => {
    await expect(make(folderWith('w.js'), 'w', options)).rejects.toMatchObject({
      code: 'BAD_USAGE',
      message: expect.stringMatching(message),
    })
  })

  it('is made or refused by the catalogue, whatever the options are', async () => {
    const folder = folderWith('w.js')
    const key = fc.oneof(fc.constantFrom(...entryOptionNames), fc.string())
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, fc.anything()), async (options) => {
        const { workerUid: _user, workerGid: _group, ...rest } = options
        const entry = await make(folder, 'w', rest).catch((error: unknown) => error)
        if (entry instanceof Error) expect(entry).toMatchObject({ name: 'CserviceError', code: 'BAD_USAGE' })
        else expect(Object.values((entry as WorkerEntry).env).every((value) => typeof value === 'string')).toBe(true)
      }),
    )
  })

  it('runs as the user that is named, in its primary group', async () => {
    const folder = folderWith('w.js')
    const nobody = await resolveIdentity('nobody', null, { uid: 0, gid: 0 })
    expect(nobody).toEqual({ uid: 65534, gid: 65534 })
    const entry = await makeEntry({
      name: 'web',
      path: 'w',
      options: { workerUid: 'root' },
      defaults: { ...defaults, ...nobody },
      folders: [folder],
    })
    expect([entry.uid, entry.gid]).toEqual([0, 0])
    await expect(make(folder, 'w', { workerUid: true })).rejects.toMatchObject({ code: 'BAD_USAGE' })
  })
})

describe('user and group', () => {
  const root = { uid: 0, gid: 0 }

  it('may be names or numbers, also numbers that no account goes by', async () => {
    expect(await resolveIdentity(null, null, root)).toEqual({ uid: null, gid: null })
    expect(await resolveIdentity('65534', null, root)).toEqual({ uid: 65534, gid: 65534 })
    expect(await resolveIdentity(4_000_000, 4_000_001, root)).toEqual({ uid: 4_000_000, gid: 4_000_001 })
    expect(await resolveIdentity(null, 'root', root)).toEqual({ uid: null, gid: 0 })
  })

  it.each<[string | number | null, string | number | null, RegExp]>([
    ['no-such-user', null, /There is no user "no-such-user"/],
    ['--help', null, /There is no user/],
    ['', null, /There is no user/],
    ['a:b', null, /There is no user/],
    ['nobody', 'no-such-group', /There is no group "no-such-group"/],
    [4_000_000, null, /no primary group/],
    [-1, null, /no number of a user/],
    [1.5, null, /no number of a user/],
    ['4294967295', null, /no number of a user/],
  ])('%j, %j are refused', async (user, group, message) => {
    await expect(resolveIdentity(user, group, root)).rejects.toMatchObject({
      code: 'UNKNOWN_USER',
      message: expect.stringMatching(message),
    })
  })

  it('are refused for whoever is not root, unless they are its own', async () => {
    const own = { uid: 65534, gid: 65534 }
    expect(await resolveIdentity('nobody', null, own)).toEqual(own)
    await expect(resolveIdentity('root', null, own)).rejects.toMatchObject({
      code: 'UNKNOWN_USER',
      message: expect.stringContaining('Only root may run as user root'),
    })
    await expect(resolveIdentity(null, 0, own)).rejects.toThrow('Only root may run as group 0')
  })
})
