import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { knownCommands, localCommands } from '../../src/cli/known-commands.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import { onlyJson } from '../support/only-json.ts'
import { ask } from '../support/proxy-info.ts'
import { cservice, type Gateway, startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { versionFolder } from '../support/version-folder.ts'

type Expectation = readonly [line: string, code: number, error?: string]

const harmless: readonly Expectation[] = [
  ['help', 0],
  ['help proxy', 0],
  ['version', 0],
  ['health', 0],
  ['info', 0],
  ['workers', 0],
  ['workers details', 0],
  ['proxy info', 0],
  ['proxy promote nope 1', 1, 'UNKNOWN_VERSION'],
  ['proxy version', 2, 'BAD_USAGE'],
  ['proxy version v2 some', 2, 'BAD_USAGE'],
  ['proxy start nowhere.json', 1, 'ALREADY_RUNNING'],
  ['proxy dance', 2, 'BAD_USAGE'],
  ['shutdown', 2, 'BAD_USAGE'],
  ['shutdown 1', 2, 'BAD_USAGE'],
  ['exit', 2, 'BAD_USAGE'],
  ['helth', 2, 'UNKNOWN_COMMAND'],
  ['health --no-such-option', 2, 'UNKNOWN_OPTION'],
]

const inTurn: readonly Expectation[] = [
  ['proxy version v2 2', 0],
  ['proxy promote v2 1', 0],
  ['proxy version v1 0', 0],
  ['proxy promote v3 1', 1, 'WORKER_FAILED'],
  ['proxy stop', 0],
  ['proxy info', 1, 'NO_PROXY'],
  ['proxy start nowhere.json', 1, 'CONFIG_NOT_FOUND'],
]

describe('commands', () => {
  it('print exactly one JSON value with --json, and exit as the contract says', { timeout: 60_000 }, async () => {
    const folder = await versionFolder({ v1: 'http', v2: 'http', v3: 'crash' })
    const gateway = await startGateway(folder)
    await Promise.all(harmless.map((expectation) => check(gateway, expectation)))
    for (const expectation of inTurn) await check(gateway, expectation)
  })

  it('say 3 where no gateway answers, and 4 where the key is missing or wrong', async () => {
    const key = 'a-key-of-this-test'
    const gateway = await startGateway(await versionFolder({ v1: 'http' }), { env: { CSERVICE_ACCESS_KEY: key } })
    const nobody = await cservice(['health', '--json', '--port', String(await freePort())])
    expect([nobody.code, errorCode(onlyJson(nobody.stdout))]).toEqual([3, 'NO_GATEWAY'])
    // As another user: without the control socket.
    const folder = temporaryFolder()
    const env = { ...process.env, XDG_RUNTIME_DIR: folder, TMPDIR: folder }
    const words = ['health', '--json', '--port', String(gateway.controlPort)]
    const missing = await cservice(words, { env })
    expect([missing.code, errorCode(onlyJson(missing.stdout))]).toEqual([4, 'NOT_AUTHORISED'])
    const wrong = await cservice([...words, '--accessKey', 'guessed'], { env })
    expect([wrong.code, errorCode(onlyJson(wrong.stdout))]).toEqual([4, 'NOT_AUTHORISED'])
    const right = await cservice([...words, '--accessKey', key], { env })
    expect([right.code, onlyJson(right.stdout)]).toEqual([0, 'OK'])
  })

  it('a service in the foreground with --json prints one JSON value and nothing else, whatever its workers print', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }), { words: ['--json'] })
    await gateway.stop()
    expect(onlyJson(gateway.stdout)).toMatchObject({ liveVersion: 'v1' })
    expect(gateway.stderr).toMatch(/^v1:\d+ \| listening$/m)
  })

  it('come over REST with the key, as a bearer or as accessKey, and are answered whatever happens', async () => {
    const key = 'a-key-of-this-test'
    const gateway = await startGateway(await versionFolder({ v1: 'http' }), { env: { CSERVICE_ACCESS_KEY: key } })
    const cli = (command: string, more = '', headers: Record<string, string> = {}) =>
      fetch(`http://localhost:${gateway.controlPort}/cli?cmd=${encodeURIComponent(command)}${more}`, {
        method: 'POST',
        headers,
      })
    const bearer = { authorization: `Bearer ${key}` }
    for (const res of [await cli('health', '', bearer), await cli('health', `&accessKey=${key}`)]) {
      expect(res.status).toBe(200)
      expect(await res.json()).toBe('OK')
    }
    expect(await (await cli('proxy info', '', bearer)).json()).toMatchObject({ liveVersion: 'v1' })
    expect((await cli('health')).status).toBe(401)
    expect((await cli('health', '&accessKey=wrong')).status).toBe(401)
    const failed = await cli('proxy promote nope 1', '', bearer)
    expect(failed.status).toBe(400)
    expect(await failed.text()).toMatch(/nope/)
    expect((await cli('dance', '', bearer)).status).toBe(404)
  })

  it('health tells the truth: a live version whose folder is gone, until it is back', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }))
    expect(await gateway.cservice('health')).toMatchObject({ code: 0, stdout: 'OK\n' })
    const place = join(gateway.folder.path, 'v1')
    renameSync(place, join(gateway.folder.path, '.away'))
    await eventually('the bad news', () =>
      ask(gateway, 'health').then(
        () => false,
        (error) => /folder/.test(String(error)),
      ),
    )
    expect((await gateway.cservice('health')).code).toBe(1)
    expect((await gateway.fetch('/')).status).toBe(200) // it goes on with what it has in memory
    renameSync(join(gateway.folder.path, '.away'), place)
    await eventually('the good news', async () => (await ask(gateway, 'health')) === 'OK')
  })
})

function errorCode(value: unknown): string | undefined {
  return (value as { error?: { code?: string } } | null)?.error?.code
}

async function check(gateway: Gateway, [line, code, error]: Expectation): Promise<void> {
  const outcome = await gateway.cservice(...line.split(' '), '--json')
  const value = onlyJson(outcome.stdout)
  expect({ line, code: outcome.code, error: errorCode(value) }).toEqual({ line, code, error })
  if (error === undefined) return
  expect(value).toMatchObject({ error: { message: expect.any(String), hint: expect.any(String) } })
}

describe('help', () => {
  it('lists exactly the commands that the help of the command line knows without a service', async () => {
    const gateway = await startGateway(await versionFolder({ v1: 'http' }))
    const { commands } = await gateway.command<{ commands: string[] }>('help')
    expect([...commands].sort()).toEqual(knownCommands.filter((name) => !localCommands.includes(name)).sort())
  })
})
