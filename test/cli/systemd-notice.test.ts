import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { versionFolder } from '../support/version-folder.ts'

const receiver = fileURLToPath(new URL('../support/notify-receiver.py', import.meta.url))
const unit = fileURLToPath(new URL('../../packaging/systemd/cservice.service', import.meta.url))
const canReceive = isThere('python3') && isThere('systemd-notify')

test.skipIf(!canReceive)('systemd hears that the service is ready, that it lives, and that it stops', async () => {
  const { socket, messages } = await listen()
  const gateway = await startGateway(await versionFolder({ v1: 'http' }), {
    env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' },
  })
  const lines = () => messages.flatMap((message) => message.split('\n'))
  await eventually('the watchdog to be told twice', () => count(lines(), 'WATCHDOG=1') >= 2)
  expect(lines()).toContain('READY=1')
  expect(lines()).toContain(`MAINPID=${gateway.pid}`)
  expect(lines().indexOf('READY=1')).toBeLessThan(lines().indexOf('WATCHDOG=1'))
  expect(lines()).not.toContain('STOPPING=1')

  // A notice that is being sent has the socket, and is no worker.
  const workers = gateway.processes().filter(({ pid, command }) => pid !== gateway.pid && command.includes('.js'))
  expect(workers.length).toBeGreaterThanOrEqual(2)
  for (const { pid } of workers) expect(variables(pid).filter((name) => /^(NOTIFY|WATCHDOG)_/.test(name))).toEqual([])

  expect((await gateway.stop()).code).toBe(0)
  await eventually('the stop to be told', () => lines().includes('STOPPING=1'))
})

test('where systemd-notify is missing the service runs, and says what the unit needs', async () => {
  const gateway = await startGateway(await versionFolder({ v1: 'http' }), {
    env: { NOTIFY_SOCKET: join(temporaryFolder(), 'notify'), PATH: temporaryFolder() },
  })
  await eventually('the warning', () => gateway.output.includes('NotifyAccess=all'))
  expect((await gateway.fetch('/')).status).toBe(200)
})

test.skipIf(!isThere('systemd-analyze'))('systemd finds nothing wrong with the unit file', () => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})

/** A socket as systemd has it, and what has been said to it so far. */
async function listen(): Promise<{ socket: string; messages: string[] }> {
  const socket = join(temporaryFolder(), 'notify')
  const child = spawn('python3', [receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const messages: string[] = []
  const lines = createInterface({ input: child.stdout })
  await once(lines, 'line')
  lines.on('line', (line) => messages.push(String(JSON.parse(line)).trimEnd()))
  return { socket, messages }
}

function count(words: readonly string[], wanted: string): number {
  return words.filter((word) => word === wanted).length
}

/** Names only: values are nobody's business when a test fails. */
function variables(pid: number): string[] {
  const pairs = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  return pairs.map((pair) => pair.slice(0, pair.indexOf('=')))
}

function isThere(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
}
