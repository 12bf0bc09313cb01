import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-ports.ts'
import { proxyInfo } from '../support/proxy-info.ts'
import { rawConnection, rawRequest } from '../support/raw-http.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

it('keeps to the limits of proxy.json, takes over new ones while it runs, and proxy info says what was refused', async () => {
  const folder = await versionFolder({ v1: 'http' }, { maxBodySize: 10, maxHeaderSize: 2_048, warmSpares: 0 })
  const gateway = await startGateway(folder)
  const post = (body: string) => gateway.fetch('/', { method: 'POST', body })
  expect((await post('x'.repeat(10))).status).toBe(200)
  const refused = await post('x'.repeat(11))
  expect(refused.status).toBe(413)
  expect(await refused.json()).toMatchObject({ code: 'REQUEST_TOO_LARGE' })
  expect((await rawRequest(folder.port, ['GET / HTTP/1.1', 'Host: a', `X: ${'x'.repeat(3_000)}`])).status).toBe(431)
  await eventually('both counted', async () => Object.keys((await proxyInfo(gateway)).refused).length === 2)
  expect((await proxyInfo(gateway)).refused).toEqual({ REQUEST_TOO_LARGE: 1, HEADERS_TOO_LARGE: 1 })
  expect((await gateway.cservice('proxy', 'info')).stdout).toMatch(/refused +1 \w+_TOO_LARGE, 1 \w+_TOO_LARGE\n/)
  const settings = JSON.parse(readFileSync(folder.config, 'utf8'))
  writeFileSync(folder.config, JSON.stringify({ ...settings, maxBodySize: 20 }))
  await eventually('the new limit', async () => (await post('x'.repeat(11))).status === 200)
  expect((await post('x'.repeat(21))).status).toBe(413)
})

it('takes the address of the client from the PROXY protocol on the binding that says so, and on no other', async () => {
  const [plain, behind] = [await freePort(), await freePort()]
  const bindings = [
    { port: plain, host: '127.0.0.1', workerCount: 1 },
    { port: behind, host: '127.0.0.1', workerCount: 1, proxyProtocol: true },
  ]
  const folder = await versionFolder({ v1: 'http' }, { bindings, trustProxy: ['loopback'], warmSpares: 0 })
  const gateway = await startGateway(folder)
  const lines = ['GET / HTTP/1.1', 'Host: a', 'Connection: close', '', '']
  const header = 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 80'
  const answer = async (port: number, ...words: string[]) => {
    const connection = await rawConnection(port)
    connection.write(words.join('\r\n'))
    await connection.closed()
    return connection.received
  }
  expect(await answer(behind, header, ...lines)).toMatch(/x-forwarded-for[^,]*192\.0\.2\.7"/i)
  expect(await answer(behind, ...lines)).toBe('')
  expect(await answer(plain, ...lines)).toMatch(/x-forwarded-for[^,]*127\.0\.0\.1"/i)
  expect(await answer(plain, header, ...lines)).toMatch(/^HTTP\/1.1 (400|501) /)
  await eventually('it counted', async () => (await proxyInfo(gateway)).refused.BAD_PROXY_HEADER === 1)
})
