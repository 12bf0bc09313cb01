import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { webServer } from '../support/plain-service.ts'
import { keys, Terminal } from '../support/pty.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const program = fileURLToPath(new URL('../../dist/cli/cservice.js', import.meta.url))

/** `cservice <words>` on a terminal; all that share a place see each other's services. */
async function place() {
  const folder = temporaryFolder()
  const [port, webPort] = [await freePort(), await freePort()]
  writeFileSync(join(folder, 'web.js'), webServer('v1'))
  const env = {
    ...process.env,
    NO_COLOR: '1',
    XDG_RUNTIME_DIR: folder,
    TMPDIR: folder,
    XDG_STATE_HOME: folder,
    PORT: String(webPort),
  }
  const open = (...words: string[]) =>
    new Terminal(process.execPath, [program, ...words, '--port', String(port)], { cwd: folder, env, columns: 100 })
  return { open, webPort, folder }
}

test('a plain service on a terminal has a console: completion of pids, a restart with progress, and Ctrl-C that stops gracefully', async () => {
  const { open, webPort } = await place()
  const terminal = open('web.js', '--workerCount', '1')
  await terminal.sees(/The service is running: 1 worker of web.js/)
  await terminal.showsPrompt()
  terminal.type('workers\r')
  const [, pid] = await terminal.sees(/^(\d+) +ready +web\.js/m)
  await terminal.showsPrompt()
  terminal.type(`restart ${pid?.slice(0, -1)}\t`)
  await terminal.sees(new RegExp(`cservice> restart ${pid}`))
  terminal.type('\r')
  await terminal.sees(/1 workers restarted successfully/)
  await terminal.showsPrompt()
  const slow = fetch(`http://127.0.0.1:${webPort}/slow?ms=1000`).then((res) => res.text())
  await new Promise((resolve) => setTimeout(resolve, 300))
  terminal.type(keys.controlC)
  await terminal.sees(/Stopping gracefully/)
  expect(await slow).toMatch(/^v1 /)
  expect(await terminal.exited()).toBe(0)
})

test('cservice without a word attaches to the service that runs, exit leaves it, and a second start attaches as well', async () => {
  const { open, webPort } = await place()
  const service = open('web.js', '--workerCount', '1')
  await service.sees(/The service is running/)
  const attached = open()
  await attached.showsPrompt()
  attached.type('health\r')
  await attached.sees(/^OK$/m)
  attached.type('restart all\r')
  await attached.sees(/1 workers restarted successfully/)
  attached.type('exit\r')
  await attached.sees(/Exiting CLI ONLY\./)
  expect(await attached.exited()).toBe(0)
  expect(await (await fetch(`http://127.0.0.1:${webPort}/`)).text()).toMatch(/^v1 /)
  const second = open('web.js')
  await second.sees(/already running/)
  await second.showsPrompt()
  second.type('shutdown all\r')
  expect(await second.exited()).toBe(0)
  expect(await service.exited()).toBe(0)
})
