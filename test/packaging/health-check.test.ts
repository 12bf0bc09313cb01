import { chmodSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { setEnvironment } from '../supervisor/control/resources.ts'
import { run } from '../support/run.ts'
import { startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { versionFolder } from '../support/version-folder.ts'

const program = fileURLToPath(new URL('../../packaging/docker/health-check.mjs', import.meta.url))

test('the health check of the container asks the gateway of its runtime directory whether it is ready', async () => {
  const XDG_RUNTIME_DIR = temporaryFolder()
  chmodSync(XDG_RUNTIME_DIR, 0o700)
  setEnvironment({ XDG_RUNTIME_DIR })
  const folder = await versionFolder({ v1: 'crash', v2: 'http' })
  const gateway = await startGateway(folder)
  const check = async (port: number) =>
    await run(process.execPath, [program], { env: { ...process.env, CSERVICE_PORT: String(port) } })
  expect(await check(gateway.controlPort)).toMatchObject({ code: 1, stdout: expect.stringContaining('not ready') })
  await gateway.command('proxy', 'promote', 'v2', '1')
  expect(await check(gateway.controlPort)).toMatchObject({ code: 0, stdout: expect.stringContaining('"ready"') })
  expect(await check(1)).toMatchObject({ code: 1, stdout: '' })
})
