import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { setEnvironment } from '../supervisor/control/resources.ts'
import { canBecomeNobody, giveToNobody, lowPort, nobody } from '../support/as-nobody.ts'
import { eventually } from '../support/eventually.ts'
import { freePort, freePorts } from '../support/free-ports.ts'
import { isAlive } from '../support/processes.ts'
import { run } from '../support/run.ts'
import { cservice, type Gateway, startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { versionFolder } from '../support/version-folder.ts'

const daemon = fileURLToPath(new URL('../../dist/cli/cserviced.js', import.meta.url))
const words = ['--user', 'nobody']

it.skipIf(canBecomeNobody)('as who is not root, nobody becomes another user', async () => {
  const { stderr, code } = await cservice(['proxy', 'start', 'proxy.json', '--user', 'root'])
  if (process.getuid?.() === 0) return // only nobody cannot read this package
  expect([code, stderr]).toEqual([1, expect.stringContaining('Only root may run as user root')])
})

describe.runIf(canBecomeNobody)('a gateway that root starts for nobody', () => {
  it('opens a low port, and is nobody with all its processes: it serves, promotes, and is found by root', async () => {
    const port = (await lowPort()) ?? (await freePort())
    const bindings = [{ port, host: '127.0.0.1', workerCount: 1 }]
    const folder = await versionFolder({ v1: 'http', v2: 'http' }, { bindings })
    giveToNobody(folder.path)
    const env = environment()
    const gateway = await startGateway(folder, { words, env })
    await eventually('a worker, a proxy process and a spare', () => gateway.processes().length >= 4)
    for (const { pid } of gateway.processes()) expect(identityOf(pid)).toEqual(asNobody)
    await gateway.command('proxy', 'promote', 'v2', '1')
    expect((await gateway.fetch('/')).headers.get('x-served-version')).toMatch(/^v2;/)
    expect(JSON.parse(readFileSync(folder.config, 'utf8')).defaultVersion).toBe('v2')
    expect(statSync(folder.config).uid).toBe(nobody)

    const directory = join(env.TMPDIR, `cservice-${nobody}`, String(gateway.controlPort))
    expect([statSync(directory).mode & 0o7777, statSync(directory).uid]).toEqual([0o700, nobody])
    expect(statSync(join(directory, '..')).mode & 0o7777).toBe(0o700)
    expect(statSync(join(directory, 'control.sock')).mode & 0o7777).toBe(0o600)
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(['channel.sock', 'control.sock', 'lock.1']))
  })

  it('cannot open a low port later, says so, and leaves those alone that it has', async (context) => {
    const port = await lowPort()
    if (port === null) context.skip('every port is free for everybody here')
    const first = { port, host: '127.0.0.1', workerCount: 1 }
    const folder = await versionFolder({ v1: 'http' }, { bindings: [first] })
    giveToNobody(folder.path)
    const gateway = await startGateway(folder, { words, env: environment() })
    const edit = async (bindings: unknown) => {
      writeFileSync(folder.config, JSON.stringify({ ...folder.settings, bindings }))
      return await eventually('the refusal', async () => (await configError(gateway)) ?? false)
    }
    expect(await edit([first, { port: (port as number) - 1, host: '127.0.0.1' }])).toMatch(
      /this user may not listen on/,
    )
    expect((await gateway.fetch('/')).status).toBe(200)
    writeFileSync(folder.config, JSON.stringify(folder.settings))
    await eventually('peace', async () => (await configError(gateway)) === null)
    // To another address: the port would have to be closed first, and could not be opened again.
    expect(await edit([{ ...first, host: '127.0.0.2' }])).toMatch(/this user may not listen on/)
    expect((await gateway.fetch('/')).status).toBe(200)
  })

  it('does not start where nobody may not write what the gateway has to, and names it', async () => {
    const folder = await versionFolder({ v1: 'http' }, { accessLog: 'access.log' })
    const env = environment()
    const start = async () => {
      const port = String(await freePort())
      return await cservice(['proxy', 'start', folder.config, '--port', port, '--json', ...words], { env })
    }
    const closed = await start() // the folder is root's, and closed to all others
    expect([closed.code, closed.json]).toMatchObject([1, { error: { code: 'PATH_FORBIDDEN' } }])
    expect(messageOf(closed.json)).toContain(`As user ${nobody}, ${folder.path} cannot be entered`)
    giveToNobody(folder.path)
    writeFileSync(join(folder.path, 'access.log'), '', { mode: 0o644 })
    expect(messageOf((await start()).json)).toBe(
      `As user ${nobody}, ${folder.path}/access.log cannot be written: it is the access log`,
    )
  })

  it('runs in the background, with its pid and its log in the runtime directory of nobody', async () => {
    const folder = await versionFolder({ v1: 'http' })
    giveToNobody(folder.path)
    const [port] = await freePorts(1)
    const env = environment()
    const address = ['--port', String(port)]
    const { stdout, stderr } = await run(
      process.execPath,
      [daemon, 'proxy', 'start', folder.config, ...address, ...words],
      { env },
    )
    const pid = Number(stdout)
    expect(identityOf(pid), stderr).toEqual(asNobody)
    const directory = join(env.TMPDIR, `cservice-${nobody}`, String(port))
    for (const name of ['cservice.pid', 'cservice.log']) expect(statSync(join(directory, name)).uid).toBe(nobody)
    expect(await cservice(['shutdown', 'all', ...address], { env })).toMatchObject({ code: 0 })
    await eventually('its end', () => !isAlive(pid))
  })
})

const asNobody = { users: Array(4).fill(nobody), groups: Array(4).fill(nobody), others: [nobody] }

/** Real, effective, saved and file-system number of user and group, and the other groups. */
function identityOf(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const numbers = (name: string) =>
    (new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '').trim().split(/\s+/).map(Number)
  return { users: numbers('Uid'), groups: numbers('Gid'), others: numbers('Groups') }
}

/** With a place for the runtime directories of both users. */
function environment() {
  const TMPDIR = temporaryFolder()
  chmodSync(TMPDIR, 0o1777)
  setEnvironment({ TMPDIR, XDG_RUNTIME_DIR: undefined }) // for commands that this process gives
  return { ...process.env, TMPDIR, XDG_RUNTIME_DIR: '' }
}

async function configError(gateway: Gateway): Promise<string | null> {
  return (await gateway.command<{ configError: string | null }>('proxy', 'info')).configError
}

function messageOf(answer: unknown): string {
  return (answer as { error: { message: string } }).error.message
}
