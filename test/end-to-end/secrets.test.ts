import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { makeCertificate, writeCertificate } from '../support/make-certificate.ts'
import { startGateway } from '../support/start-gateway.ts'
import { versionFolder } from '../support/version-folder.ts'

const secrets = {
  accessKey: 'SECRET-access-key-1',
  second: 'SECRET-access-key-2',
  passphrase: 'SECRET-passphrase-3',
  previewKey: 'SECRET-preview-key-4',
  /** Shorter than a key may be. */
  shortKey: 'SECRET-short-5',
}

/** A worker that would tell every secret it was given. */
const curious = {
  text: `import http from 'node:http'
const said = JSON.stringify([process.argv, process.env])
console.log(said)
http.createServer((req, res) => res.end(said)).listen(process.env.PROXY_PORT, '127.0.0.1')`,
}

it('no secret is in arguments, in environments of processes, in logs or in answers', async () => {
  const port = await freePort()
  const securePort = await freePort()
  const settings = {
    bindings: [{ port, host: '127.0.0.1', workerCount: 1 }],
    skew: true,
    previewKey: { 'v9*': secrets.previewKey },
    accessLog: 'access.log',
  }
  const folder = await versionFolder({ v1: curious, v2: 'crash', v3: curious }, settings)
  const made = makeCertificate()
  const tlsOptions = { ...writeCertificate(folder.path, 'app', made), passphrase: secrets.passphrase }
  const encrypted = createPrivateKey(made.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: secrets.passphrase,
  })
  writeFileSync(tlsOptions.key, encrypted)
  const bindings = [...settings.bindings, { port: securePort, host: '127.0.0.1', workerCount: 1, tlsOptions }]
  const write = (change: object = {}) =>
    writeFileSync(folder.config, JSON.stringify({ ...folder.settings, bindings, ...change }))
  write()
  const accessKey = `${secrets.accessKey};${secrets.second}[health]`
  const gateway = await startGateway(folder, {
    env: { CSERVICE_ACCESS_KEY: accessKey, CSERVICE_SSL_PASSPHRASE: secrets.passphrase, CSERVICE_LOG_LEVEL: 'trace' },
    words: ['--ssl.key', tlsOptions.key, '--ssl.cert', tlsOptions.cert],
  })

  const heard: string[] = []
  const lines = [
    ['proxy', 'info'],
    ['info'],
    ['workers', 'details'],
    ['options'],
    ['locals'],
    ['help', 'proxy'],
    ['proxy', 'promote', 'v2'],
    ['proxy', 'promote', 'v3', '1'],
    ['proxy', 'history'],
    ['proxy', 'versions'],
    ['proxy', 'why', '/', '-H', 'x-version: v9'],
    ['no-such-command'],
    ['health'],
    ['doctor', folder.config],
  ]
  for (const line of lines) {
    const { stdout, stderr } = await gateway.cservice(...line, '--json')
    heard.push(stdout, stderr)
  }
  // What is wrong in proxy.json is repeated in errors; not where it may be a key.
  for (const previewKey of [secrets.shortKey, { 'v*': secrets.shortKey }, [secrets.previewKey]]) {
    write({ previewKey, workerCount: 'many' })
    const { stdout } = await gateway.cservice('doctor', folder.config)
    expect(stdout).toMatch(/previewKey/)
    heard.push(stdout)
  }
  write()
  const versions: string[] = []
  for (const path of ['/', '/a?accessKey=x']) versions.push(await (await gateway.fetch(path)).text())
  for (const version of ['v9', 'nothing', 'v2']) heard.push(await (await gateway.fetch('/', { version })).text())
  expect(versions.join()).toContain('PROXY_PORT') // the worker has told all that it knows

  const processes = gateway.processes()
  expect(processes.length).toBeGreaterThan(4)
  // What a process has been started with can be read by its own user alone; what the supervisor got by its environment is there.
  const environments = processes.filter(({ pid }) => pid !== gateway.pid).map(({ pid }) => read(`/proc/${pid}/environ`))
  const files = execFileSync('find', [folder.path, '-type', 'f', '-not', '-name', 'proxy.json'], { encoding: 'utf8' })
  const places = {
    arguments: processes.map(({ command }) => command),
    environments,
    'what the gateway and its workers have printed': [gateway.output],
    'answers to commands': heard,
    'what clients got': versions,
    files: files
      .trim()
      .split('\n')
      .filter((file) => !file.endsWith('pin.key') && !file.endsWith('.key'))
      .map(read),
  }
  const pinKey = read(join(folder.path, '.cservice', 'pin.key')).trim()
  expect(pinKey.length).toBeGreaterThan(20)
  expect(readdirSync(folder.path)).toContain('access.log')
  const privateKey = String(encrypted).split('\n')[2] ?? ''
  const plainKey = made.key.split('\n')[1] ?? ''
  for (const [place, texts] of Object.entries(places)) {
    for (const secret of [...Object.values(secrets), pinKey, privateKey, plainKey]) {
      const found = texts.filter((text) => text.includes(secret)).map((text) => around(text, secret))
      expect(found, `${secret} in ${place}`).toEqual([])
    }
  }
})

function read(path: string): string {
  return readFileSync(path, 'utf8')
}

function around(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return text.slice(Math.max(0, at - 80), at + secret.length + 20)
}
