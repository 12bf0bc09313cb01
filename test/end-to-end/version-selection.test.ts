import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

const key = 'correct-horse-battery'

interface Explanation {
  readonly version: string | null
  readonly by: string | null
  readonly error: string | null
  readonly steps: ReadonlyArray<{ selector: string; found: string | null; result: string | null }>
  readonly state: string | null
  readonly wouldStart: boolean
  readonly target: string | null
}

it('a range starts the highest version in it, and proxy why says so beforehand, without starting anything', async () => {
  const folder = await versionFolder(
    { v1: 'http', 'v2.3.0': 'http', 'v2.4.0': 'http' },
    { warmSpares: 0, versionPathPrefix: '/_v/{version}' },
  )
  const gateway = await startGateway(folder)
  const before = await gateway.command<Explanation>('proxy', 'why', 'GET', '/a', '-H', 'x-version: ^2')
  expect(before).toEqual({
    version: 'v2.4.0',
    by: 'header',
    error: null,
    steps: [{ selector: 'header', found: '^2', result: 'v2.4.0' }],
    state: 'cold',
    wouldStart: true,
    target: '/a',
    cookies: [],
  })
  const answer = await gateway.fetch('/a', { version: '^2' })
  expect(answer.headers.get('x-served-version')).toBe('v2.4.0; by=header')
  expect(await answer.json()).toMatchObject({ version: 'v2.4.0' })
  const after = await gateway.command<Explanation>('proxy', 'why', '/_v/2.4/b?c')
  expect(after).toMatchObject({ version: 'v2.4.0', by: 'path', state: 'ready', wouldStart: false, target: '/b?c' })
  expect(after.steps.map(({ selector }) => selector)).toEqual(['header', 'path'])
  expect(await gateway.command('proxy', 'why', '/', '-H', 'x-version: v9')).toMatchObject({ error: 'UNKNOWN_VERSION' })
  const shown = await gateway.cservice('proxy', 'why', '/', '-H', 'x-version: v1')
  expect(shown.stdout).toMatch(/^v1, by header\n/)
  const wrong = await gateway.cservice('proxy', 'why', 'a b')
  expect(wrong).toMatchObject({ code: 2 })
})

it('requests start no more versions than the rate allows, nor any that they may not, and who has no key sees none', async () => {
  const folder = await versionFolder(
    { v1: 'http', v2: 'http', v3: 'http', main: 'http', secret: 'http' },
    { warmSpares: 0, onDemand: { allow: ['v*', 's*'], rate: '1/h' }, previewKey: { 'se*': key } },
  )
  const gateway = await startGateway(folder)
  expect((await gateway.fetch('/', { version: 'main' })).status).toBe(404)
  expect((await gateway.fetch('/', { version: 'secret' })).status).toBe(404)
  expect((await gateway.fetch('/', { version: 'v2' })).status).toBe(200)
  const refused = await gateway.fetch('/', { version: 'v3' })
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000)
  expect(await refused.json()).toMatchObject({ code: 'START_RATE_EXCEEDED' })
  await gateway.command('proxy', 'version', 'secret', '1')
  await gateway.command('proxy', 'version', 'main', '1')
  expect((await gateway.fetch('/', { version: 'main' })).status).toBe(200)
  expect((await gateway.fetch('/', { version: 'secret' })).status).toBe(404)
  const headers = { 'x-preview-key': key }
  // A proxy process may be told of it a moment later than the command is answered.
  await eventually('secret, with its key', async () => {
    return (await gateway.fetch('/', { version: 'secret', headers })).status === 200
  })
  const info = await gateway.cservice('proxy', 'info', '--json')
  expect(info.stdout).not.toContain(key)
  expect(info.json).toMatchObject({ options: { previewKey: '***' } })
  const why = await gateway.cservice('proxy', 'why', '/', '-H', 'x-version: secret', '--json')
  expect(why.json).toMatchObject({ error: 'UNKNOWN_VERSION', steps: [{}, { selector: 'access' }] })
  expect(gateway.output).not.toContain(key)
})
