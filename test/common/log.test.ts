import { spawnSync } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'

const log = new URL('../../dist/common/log.js', import.meta.url).href

test.skipIf(!existsSync('/dev/full'))('a disk that is full loses lines of the log, and nothing else', () => {
  const text = `
    import { createLog } from '${log}'
    const log = createLog({ pretty: false })
    for (let line = 0; line < 3; line++) log.error('nobody will read this')
    process.stdout.write('goes on')
  `
  const full = openSync('/dev/full', 'w')
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  })
  expect({ stdout, status }).toEqual({ stdout: 'goes on', status: 0 })
})

test('an error of the catalogue is logged as what happened, a fault of ours with its stack', () => {
  const errors = new URL('../../dist/common/errors.js', import.meta.url).href
  const text = `
    import { createLog } from '${log}'
    import { CserviceError } from '${errors}'
    const log = createLog({ pretty: false })
    log.error({ err: new CserviceError('PORT_TAKEN', 'port 80 is taken') }, 'known')
    log.error({ err: new TypeError('boom') }, 'unknown')
  `
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' })
  const [known, unknown] = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(known.err).toEqual({ code: 'PORT_TAKEN', message: 'port 80 is taken', hint: expect.any(String) })
  expect(unknown.err).toMatchObject({ message: 'boom', stack: expect.stringContaining('TypeError: boom') })
})

test('a log with a destination of its own writes to it at once, as text for people on a terminal and as JSON elsewhere', () => {
  const text = `
    import { createLog } from '${log}'
    import { Writable } from 'node:stream'
    for (const isTTY of [true, false]) {
      const destination = Object.assign(new Writable({ write: (line, _, done) => done(process.stdout.write(line) && null) }), { isTTY })
      createLog({ destination }).info({ port: 1 }, 'hello')
      process.stdout.write('then\\n')
    }
  `
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' })
  const [pretty, next, json] = stdout.split('\n')
  expect({ pretty, next, stderr }).toEqual({
    pretty: expect.stringMatching(/^\[.*INFO.*hello.*"port":1/),
    next: 'then',
    stderr: '',
  })
  expect(JSON.parse(json ?? '')).toMatchObject({ port: 1, msg: 'hello' })
})
