import { once } from 'node:events'
import { existsSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { tgz } from '../proxy/releases/tarball.ts'
import { fixtureWorker } from '../support/fixture-worker.ts'
import { proxyInfo } from '../support/proxy-info.ts'
import { rest, restWords } from '../support/rest.ts'
import { startGateway } from '../support/start-gateway.ts'
import { readConfig } from '../support/state-files.ts'
import { versionFolder } from '../support/version-folder.ts'

const rounds = 8

it('deploy, remove, promote, pack and a request for the same version at once each get an answer, and what is live is there', async () => {
  const folder = await versionFolder({ v1: 'http' }, { warmSpares: 0, keepWarm: 0, retain: { count: 1 } })
  const gateway = await startGateway(folder, { words: restWords })
  const text = `import ${JSON.stringify(pathToFileURL(fixtureWorker('http')).href)}\n`
  const others = Array.from({ length: 30 }, (_, index) => ({ path: `lib/${index}`, body: 'x'.repeat(5_000) }))
  const body = tgz({ path: 'package.json', body: '{"type":"module"}' }, { path: 'worker.js', body: text }, ...others)
  const headers = { authorization: 'Bearer test-key', 'x-cservice': '1' }
  const control = `http://127.0.0.1:${gateway.controlPort}`
  const deploy = async (query: string) =>
    (await fetch(`${control}/deploy?as=v2${query}`, { method: 'POST', body, headers })).json()
  /** A folder that is taken away meanwhile is an error, or breaks it off: a tarball is whole. By `node:http`, since `fetch` of Node 20 takes half a body for all. */
  const pack = async () => {
    const req = http.get(`${control}/pack?version=v2`, { headers })
    const [res] = (await once(req, 'response')) as [http.IncomingMessage]
    const bytes = await buffer(res).catch(() => null)
    if (res.statusCode === 200 && bytes !== null) gunzipSync(bytes)
  }
  for (let round = 0; round < rounds; round++) {
    await deploy('')
    await Promise.all([
      rest(gateway, 'proxy', 'remove', 'v2', ...(round % 2 === 0 ? [] : ['--force'])),
      rest(gateway, 'proxy', 'promote', 'v2'),
      gateway.fetch('/', { version: 'v2' }),
      deploy(round % 3 === 0 ? '&promote=1' : ''),
      pack(),
      pack(),
      rest(gateway, 'proxy', 'remove', 'v2', '--force'),
    ])
    const { liveVersion } = await proxyInfo(gateway)
    expect(liveVersion).toBe(readConfig(folder).defaultVersion)
    expect(existsSync(join(folder.path, String(liveVersion), 'worker.js'))).toBe(true)
    expect((await gateway.fetch('/')).status).toBe(200)
    await rest(gateway, 'proxy', 'promote', 'v1')
    await rest(gateway, 'proxy', 'remove', 'v2', '--force')
  }
}, 60_000)
