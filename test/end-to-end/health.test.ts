import http from 'node:http'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { controlSocketName, runtimeDirectoryPath } from '../../src/common/runtime-directory.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

/** What the control socket of a gateway says at a path. */
function probe(controlPort: number, path: string): Promise<{ status: number; reasons: string[] }> {
  const socketPath = join(runtimeDirectoryPath(controlPort), controlSocketName)
  return new Promise((resolve, reject) => {
    const req = http.get({ socketPath, path, host: 'localhost', agent: false }, (res) => {
      let text = ''
      res.on('data', (chunk) => {
        text += chunk
      })
      res.on('end', () => resolve({ ...JSON.parse(text), status: res.statusCode ?? 0 }))
    })
    req.on('error', reject)
  })
}

it('a live version that does not come up is no ready gateway, but a healthy one; a promote makes it ready', async () => {
  const health = { path: '/-/health' }
  const folder = await versionFolder({ v1: 'crash', v2: 'http' }, { health })
  const gateway = await startGateway(folder)
  expect(await probe(gateway.controlPort, '/readyz')).toMatchObject({
    status: 503,
    reasons: ['the live version v1 has no ready worker'],
  })
  expect(await probe(gateway.controlPort, '/healthz')).toMatchObject({ status: 200, reasons: [] })
  expect((await gateway.fetch(health.path)).status).toBe(503)
  await gateway.command('proxy', 'promote', 'v2', '1')
  expect((await gateway.fetch(health.path)).status).toBe(200)
  expect(await probe(gateway.controlPort, '/readyz')).toMatchObject({ status: 200, reasons: [] })
})

it('a gateway that is to stop says that it is not ready, and goes on serving for drainDelay', async () => {
  const folder = await versionFolder({ v1: 'http' }, { health: { path: '/-/health', drainDelay: 2 } })
  const gateway = await startGateway(folder)
  expect((await gateway.fetch('/-/health')).status).toBe(200)
  gateway.kill('SIGTERM')
  await eventually('503', async () => (await gateway.fetch('/-/health')).status === 503)
  expect(await probe(gateway.controlPort, '/readyz')).toMatchObject({
    status: 503,
    reasons: ['the service is stopping'],
  })
  expect((await gateway.fetch('/')).status).toBe(200)
  expect(await gateway.exited()).toEqual({ code: 0, signal: null })
})
