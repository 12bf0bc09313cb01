import { once } from 'node:events'
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Finding } from '../../src/proxy/doctor/finding.ts'
import { freePort } from '../support/free-ports.ts'
import { makeCertificate, writeCertificate } from '../support/make-certificate.ts'
import { cservice, startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

async function doctor(config: string, port: number) {
  const { code, json } = await cservice(['doctor', config, '--port', String(port), '--json'])
  const { isWell, findings } = json as { isWell: boolean; findings: Finding[] }
  expect(isWell).toBe(code === 0)
  for (const { severity, advice } of findings) if (severity === 'problem') expect(advice).toMatch(/\S/)
  const of = (check: string) =>
    findings.filter((finding) => finding.check === check).map(({ severity, found }) => `${severity}: ${found}`)
  return { code, of }
}

it('a sound setup has no problem, before it runs and while it runs, and what runs is compared with what is installed', async () => {
  const folder = await versionFolder({ v1: 'http' })
  const port = await freePort()
  const before = await doctor(folder.config, port)
  expect(before.code).toBe(0)
  for (const check of ['node', 'configuration', 'folders', 'versions', 'certificates', 'clock', 'leftovers'])
    expect(before.of(check)[0]).toMatch(/^ok: /)
  expect(before.of('gateway')).toEqual([`ok: none runs on control port ${port}`])

  const gateway = await startGateway(folder, { controlPort: port })
  const { of, code } = await doctor(folder.config, port)
  expect(code).toBe(0)
  expect(of('ports').join()).not.toMatch(/problem/)
  expect(of('gateway')).toEqual([expect.stringMatching(/^ok: \S+ runs on control port/)])
  // Without a path it is the one of the gateway that runs.
  expect((await gateway.cservice('doctor')).stdout).toContain(`${folder.config} is sound`)
})

it('everything that is wrong with a setup is found at once, and each finding says what to do', async () => {
  const listener = net.createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  onTestFinished(() => void listener.close())
  const { port: taken } = listener.address() as net.AddressInfo
  const past = makeCertificate({ from: new Date('2020-01-01'), to: new Date('2021-01-01') })
  const folder = await versionFolder({ v1: 'http', v2: 'http' })
  const tlsOptions = writeCertificate(folder.path, 'old', past)
  chmodSync(String(tlsOptions.key), 0o644)
  const config = {
    ...folder.settings,
    defaultVersion: 'v7',
    bindings: [
      { port: taken, host: '127.0.0.1' },
      { port: await freePort(), host: '127.0.0.1', tlsOptions },
    ],
    aliases: { next: 'v8' },
    workerConut: 1,
  }
  writeFileSync(folder.config, JSON.stringify(config))
  chmodSync(folder.config, 0o666)
  const tomorrow = Date.now() / 1_000 + 86_400
  utimesSync(folder.config, tomorrow, tomorrow)
  mkdirSync(join(folder.path, 'v3'))
  writeFileSync(join(folder.path, 'v2', 'package.json'), '{"engines":{"node":"<4"}}')
  mkdirSync(join(folder.path, '.trash-v0-00000000-0000-0000-0000-000000000000'))

  const { code, of } = await doctor(folder.config, await freePort())
  expect(code).toBe(1)
  expect(of('configuration')[0]).toMatch(/^warning: .*workerConut.*workerCount/s)
  expect(of('folders')).toEqual([`warning: every user of this machine may write ${folder.config}`])
  expect(of('versions')).toEqual([
    expect.stringMatching(/^problem: the live version v7 is not in/),
    'warning: the alias next names v8, which is no version here',
    expect.stringMatching(/^warning: v2 wants Node <4/),
    'note: folders without worker.js, which are no versions: "v3"',
  ])
  expect(of('ports')).toContain(`problem: 127.0.0.1:${taken} is taken by another program`)
  expect(of('certificates')).toEqual([
    expect.stringMatching(/^problem: the certificate .* expired \d+ days ago/),
    expect.stringMatching(/^warning: every user of this machine may read the private key/),
  ])
  expect(of('clock')).toEqual([expect.stringMatching(/^warning: .*proxy\.json was changed 86\d\d\d s in the future/)])
  expect(of('leftovers')[1]).toMatch(/^note: .*\.trash-v0/)
})

it('a configuration that is wrong, or not there, is a problem by itself; two paths are wrong usage', async () => {
  const folder = await versionFolder({ v1: 'http' })
  writeFileSync(folder.config, '{ "workerCount": 0 }')
  const port = await freePort()
  const wrong = await doctor(folder.config, port)
  expect([wrong.code, wrong.of('configuration')]).toEqual([1, [expect.stringMatching(/^problem: .*workerCount/s)]])
  expect((await doctor(join(folder.path, 'no.json'), port)).code).toBe(1)
  expect((await cservice(['doctor', 'a', 'b', '--port', String(port)])).code).toBe(2)
})
