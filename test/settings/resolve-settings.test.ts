import { execFileSync } from 'node:child_process'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveAddress, resolveSettings } from '../../src/settings/resolve-settings.ts'
import { settingsSchema } from '../../src/settings/schema.ts'
import { temporaryDirectory } from '../supervisor/control/resources.ts'

/** A folder with these files, of which an object is written as JSON. */
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = realpathSync(temporaryDirectory())
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

/** What the settings are with this configuration file, and options given beside it. */
function withFile(content: unknown, given: Record<string, unknown> = {}, files: Record<string, unknown> = {}) {
  const folder = folderOf({ 'config.json': content, 'a.js': '', 'b.js': '', ...files })
  return resolveSettings({ config: 'config.json', ...given }, folder)
}

describe('the settings of a service', () => {
  it('find the files of TLS in the working directory, else beside the configuration', async () => {
    const folder = folderOf({
      'etc/config.json': { ssl: { cert: 'a.pem', key: ['b.pem', 'c.pem'], minVersion: 'a.pem' } },
    })
    for (const name of ['etc/a.pem', 'etc/b.pem', 'b.pem']) writeFileSync(join(folder, name), '')
    const { settings } = await resolveSettings({ config: 'etc/config.json' }, folder)
    expect(settings.ssl).toEqual({ cert: join(folder, 'etc/a.pem'), key: ['b.pem', 'c.pem'], minVersion: 'a.pem' })
  })

  it('are refused when the workers together would take the machine down', async () => {
    const workers = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`w${index}`, 'a.js']))
    await expect(withFile({ workers, workerCount: 1 })).rejects.toThrow('found 10000 processes in all, allowed: 4096')
  })

  it('are not waited for where the file is a pipe that nobody writes to, nor read without end', async () => {
    const folder = folderOf({})
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(resolveSettings({ config: 'pipe' }, folder)).rejects.toThrow('it is a pipe')
    await expect(resolveSettings({ config: '/dev/zero' }, folder)).rejects.toThrow('has more than 16 MiB')
  })

  it('have defaults for everything', async () => {
    const { settings, warnings } = await resolveSettings({}, '/')
    expect(warnings).toEqual([])
    expect(settings).toEqual({
      port: 11987,
      host: 'localhost',
      accessKey: null,
      ssl: null,
      allowHttpGet: false,
      cli: false,
      workers: [],
      workerDefaults: {
        cwd: '/',
        count: availableParallelism(),
        isImmune: false,
        args: [],
        env: {},
        uid: null,
        gid: null,
        limits: { memory: null, upTime: null, unresponsive: null },
        restartDelay: 100,
        isSilent: false,
      },
      restartConcurrencyRatio: 0.33,
      commands: [],
      master: null,
      proxy: null,
      runAs: null,
    })
  })

  it('take what is given over the file, the file over what the caller presets, and that over the defaults', async () => {
    const file = { port: 1000, cli: false, workerCount: 3, workers: 'a.js', accessKey: 'file' }
    const folder = folderOf({ 'config.json': file, 'a.js': '', 'b.js': '' })
    const { settings } = await resolveSettings({ config: 'config.json', port: 2000, workers: './b' }, folder, {
      cli: true,
    })
    expect(settings).toMatchObject({ port: 2000, cli: false, accessKey: 'file' })
    expect(settings.workers).toEqual([{ ...settings.workerDefaults, name: 'main', file: join(folder, 'b.js') }])
    expect(settings.workers[0]?.count).toBe(3)
    expect((await resolveSettings({}, folder, { cli: true })).settings.cli).toBe(true)
  })

  it('have an entry for each of the workers, with values of its own over those of the service', async () => {
    const { settings, warnings } = await withFile({
      workerCount: 4,
      restartOnUpTime: 60,
      restartOnUnresponsive: true,
      silent: true,
      workers: {
        web: { worker: 'a.js', count: 2, restartOnUpTime: 0, restartOnMemUsage: 1e9, PORT: 80 },
        jobs: { worker: './b', restart: false, args: ['--slow'], silent: false },
        plain: 'a.js',
      },
    })
    expect(warnings).toEqual([])
    expect(settings.workers).toMatchObject([
      {
        name: 'web',
        count: 2,
        limits: { memory: 1e9, upTime: null, unresponsive: 30 },
        env: { PORT: '80' },
        isSilent: true,
      },
      { name: 'jobs', count: 4, isImmune: true, args: ['--slow'], isSilent: false, limits: { upTime: 60 } },
      { name: 'plain', count: 4, isImmune: false },
    ])
  })

  it('run ./worker.js for an entry without a path, and nothing for null', async () => {
    const { settings } = await withFile({ workers: { web: {} } }, {}, { 'worker.js': '' })
    expect(settings.workers[0]?.file).toMatch(/\/worker\.js$/)
    expect((await withFile({ workers: 'a.js' }, { workers: null })).settings.workers).toEqual([])
  })

  it('resolve paths of the file against the working directory, else against the file', async () => {
    const folder = folderOf({
      'etc/config.json': {
        workers: { one: 'one.js', two: 'two.js' },
        master: 'two',
        proxy: 'p.json',
        commands: 'c, d',
      },
      'one.js': '',
      'etc/one.js': '',
      'etc/two.js': '',
      'etc/p.json': '{}',
      'etc/c/x.js': '',
    })
    const { settings } = await resolveSettings({ config: 'etc/config.json' }, folder)
    expect(settings.workers.map(({ file }) => file)).toEqual([join(folder, 'one.js'), join(folder, 'etc/two.js')])
    expect(settings).toMatchObject({
      master: join(folder, 'etc/two.js'),
      proxy: join(folder, 'etc/p.json'),
      commands: [join(folder, 'etc/c'), join(folder, 'd')],
    })
    await expect(resolveSettings({ config: 'etc/config.json', workers: 'two.js' }, folder)).rejects.toMatchObject({
      code: 'WORKER_NOT_FOUND',
      message: `Worker not found: '${join(folder, 'two.js')}'. Set 'workers' option to proper path.`,
    })
  })

  it('keep the access key as text, and the options of TLS as they are', async () => {
    const ssl = { key: Buffer.from('k'), cert: 'cert.pem' }
    expect((await resolveSettings({ accessKey: '0123', ssl }, '/')).settings).toMatchObject({ accessKey: '0123', ssl })
    expect((await resolveSettings({ accessKey: 123 }, '/')).settings.accessKey).toBe('123')
  })

  it('let a program give what is the library’s', async () => {
    const log = () => {}
    const given = { log, error: log, debug: log, colors: { data: 'cyan' }, silentMode: true, run: 'health', json: true }
    expect((await resolveSettings(given, '/')).warnings).toEqual([])
  })

  it('tell old names and names that mean nothing', async () => {
    const folder = folderOf({ 'a.js': '' })
    const { settings, warnings } = await resolveSettings({ worker: 'a.js', restartsPerMinute: 10, prot: 1 }, folder)
    expect(settings.workers[0]?.name).toBe('main')
    expect(warnings).toEqual([
      "Option 'prot' means nothing: perhaps port was meant",
      'Option `worker` has been deprecated. Use `workers` instead.',
      expect.stringContaining('`restartsPerMinute` means nothing'),
    ])
  })

  it('tell of unknown keys of the file, with line and nearest name, also among the variables of a worker', async () => {
    const { warnings } = await withFile(
      '{\n  "acessKey": "k",\n  // a comment\n  "run": "health",\n  "workers": { "web": { "worker": "a.js",\n "cuont": 2, "COUNT": 1 } },\n}',
    )
    expect(warnings).toEqual([
      'config.json:2:3 acessKey: found an unknown key, allowed: perhaps accessKey',
      expect.stringMatching(/run means something on the command line only$/),
      'config.json:6:2 workers.web.cuont: found a variable for its environment, allowed: perhaps count',
    ])
  })

  it.each<[unknown, string[]]>([
    [
      '{\n "port": "80",\n "cli": "true" }',
      [
        'config.json:2:10 port: found "80", allowed: a whole number from 1 to 65535, without quotes',
        'config.json:3:9 cli: found "true", allowed: true or false, without quotes',
      ],
    ],
    [{ workerCount: 0 }, ['workerCount: found 0, allowed: a whole number from 1 to 1024']],
    [{ workerCount: 2.5 }, ['workerCount: found 2.5']],
    [
      { workers: { web: { worker: 'a.js', count: 0 } } },
      ['workers.web.count: found 0, allowed: a whole number from 1'],
    ],
    [{ workers: { web: 5 } }, ['workers.web: found 5, allowed: a path, or an object']],
    [{ workers: 5 }, ['workers: found 5, allowed: the path of a file, or an object']],
    [{ workers: ['a.js'] }, ['workers: found a list']],
    [{ accessKey: '' }, ['accessKey: found an empty string, allowed: a text that is not empty']],
    [{ accessKey: true }, ['accessKey: found a boolean']],
    [{ ssl: 'key' }, ['ssl: found a string, allowed: an object']],
    [
      { restartOnUnresponsive: 'x' },
      ['restartOnUnresponsive: found "x", allowed: a number of seconds from 0, or true'],
    ],
    [{ restartConcurrencyRatio: 2 }, ['restartConcurrencyRatio: found 2, allowed: a number from 0 to 1']],
    [{ commands: [1] }, ['commands[0]: found 1']],
    ['{ "port": 1, "port": 2 }', ['port: found the key a second time']],
    ['[]', ['found an empty list, allowed: an object']],
    ['', ['found an empty file']],
    ['{ "port": ', ['config.json:1:']],
  ])('are refused with the place in the file: %j', async (content, messages) => {
    const error = await withFile(content).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.stringContaining('service-configuration.md') })
    for (const message of messages) expect((error as Error).message).toContain(message)
  })

  it('are refused for a file that is not there, with its path', async () => {
    await expect(resolveSettings({ config: 'nope.json' }, '/')).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      message: 'There is no file /nope.json',
    })
  })

  it.each<[Record<string, unknown>, string]>([
    [{ workerCount: 0 }, "Option 'workerCount': found 0, allowed: a whole number from 1 to 1024"],
    [{ workerCount: 'abc' }, `Option 'workerCount': found "abc"`],
    [{ port: 70000 }, "Option 'port': found 70000"],
    [{ workers: { a: { count: -1 } } }, "Option 'workers.a.count': found -1"],
    [{ config: 5 }, "Option 'config'"],
    [{ master: 'nope' }, "There is no file /nope: option 'master'"],
    [{ accessKey: { secret: 'SECRET' } }, "Option 'accessKey': found an object"],
  ])('are refused when what is given is wrong: %j', async (given, message) => {
    await expect(resolveSettings(given, '/')).rejects.toMatchObject({
      code: 'BAD_USAGE',
      message: expect.stringContaining(message),
    })
  })

  it('resolve users, and tell of one that does not exist', async () => {
    const { settings } = await withFile({ workerUid: 'nobody', workers: { a: { worker: 'a.js', workerUid: 'root' } } })
    expect(settings.workerDefaults).toMatchObject({ uid: 65534, gid: 65534 })
    expect(settings.workers[0]).toMatchObject({ uid: 0, gid: 0 })
    await expect(resolveSettings({ workerUid: 'no-such-user' }, '/')).rejects.toMatchObject({ code: 'UNKNOWN_USER' })
  })
})

it('the address of a service can be had without its workers', async () => {
  const ssl = { pem: 'both.pem', ca: 'ca.pem' }
  const folder = folderOf({ 'config.json': { port: 1234, accessKey: 'k', workers: 'not-here.js', ssl } })
  const address = { port: 1234, host: '::1', accessKey: 'k', ssl }
  expect(await resolveAddress({ config: 'config.json', host: '::1' }, folder)).toEqual(address)
  expect(await resolveAddress({ port: 1234 }, folder)).toMatchObject({ accessKey: null, ssl: null })
})

it('whatever is given or stands in the file, it is settings or an error of the catalogue', async () => {
  const names = Object.keys(settingsSchema.shape).filter((name) => !['workerUid', 'workerGid'].includes(name))
  const key = fc.oneof(fc.constantFrom(...names), fc.string())
  const folder = folderOf({ 'worker.js': '' })
  await fc.assert(
    fc.asyncProperty(fc.dictionary(key, fc.jsonValue()), fc.dictionary(key, fc.anything()), async (file, given) => {
      const { workerUid: _user, workerGid: _group, ...rest } = given
      writeFileSync(join(folder, 'config.json'), JSON.stringify(file))
      const outcome = await resolveSettings({ ...rest, config: 'config.json' }, folder).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toMatchObject({ name: 'CserviceError' })
      else expect(outcome).toMatchObject({ settings: { port: expect.any(Number) }, warnings: expect.any(Array) })
      expect(outcome).not.toMatchObject({ code: 'INTERNAL' })
    }),
  )
})
