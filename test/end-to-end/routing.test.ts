import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { proxyInfo, versionInfo } from '../support/proxy-info.ts'
import { type RawAnswer, rawConnection, rawRequest } from '../support/raw-http.ts'
import { bootsOf, counted, requestsOf } from '../support/recorded.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type VersionFolder, versionFolder } from '../support/version-folder.ts'

const undo: Array<() => void | Promise<void>> = []
const onFinish = (work: () => void | Promise<void>) => undo.push(work)

let folder: VersionFolder
let gateway: Gateway
/** Outside of the versions: a worker that tells when it is run. */
let trap: string

beforeAll(async () => {
  folder = await versionFolder({ v1: 'records', v2: counted('http'), v3: counted('http') }, { warmSpares: 0 }, onFinish)
  trap = temporaryFolder(onFinish)
  writeTrap(trap)
  writeTrap(join(folder.path, '.hidden'))
  mkdirSync(join(folder.path, 'empty'))
  gateway = await startGateway(folder, { onFinish })
})

afterAll(async () => {
  for (const work of undo.reverse()) await work()
})

describe('which version answers', () => {
  it('is the one that the header names, started by the first request, and the answer says so', async () => {
    expect(bootsOf(folder, 'v3')).toEqual([])
    const res = await gateway.fetch('/a?b=c', { version: 'v3' })
    expect(res.status).toBe(200)
    expect(res.headers.get('x-served-version')).toBe('v3; by=header')
    expect(await res.json()).toMatchObject({ version: 'v3', url: '/a?b=c' })
    expect(bootsOf(folder, 'v3')).toHaveLength(1)
  })

  it.each([
    ['without a header', []],
    ['with an empty header', ['x-version:']],
    ['with a header of blanks', ['X-Version:   ']],
  ])('is the live one %s', async (_name, headers) => {
    const answer = await request(headers)
    expect(answer.status).toBe(200)
    expect(answer.header('x-served-version')).toBe('v1; by=live')
    expect(JSON.parse(answer.body)).toMatchObject({ version: 'v1' })
  })

  it('does not depend on the case of the name of the header, nor on blanks around its value', async () => {
    const answer = await request(['X-VERSION: \t v3 \t'])
    expect(answer.header('x-served-version')).toBe('v3; by=header')
  })

  it('is told with the request id of the client if it is sane, else with one of our own, to the worker as well', async () => {
    const own = await request(['X-Request-Id: abc-123'])
    expect(own.header('x-request-id')).toBe('abc-123')
    expect(JSON.parse(own.body).headers).toMatchObject({ 'x-request-id': 'abc-123' })
    for (const given of ['X-Request-Id: a b', `X-Request-Id: ${'a'.repeat(200)}`, 'X-Other: 1']) {
      const answer = await request([given])
      expect(answer.header('x-request-id')).toMatch(/^[0-9a-f]{24}$/)
      expect(JSON.parse(answer.body).headers['x-request-id']).toBe(answer.header('x-request-id'))
    }
  })
})

describe('a name that is no version', () => {
  it('is answered 404, starts no process and touches no file', async () => {
    const names = [
      'v9',
      'V2',
      '../x',
      './v2',
      'v1/../v2',
      'v2/',
      'v2/.',
      '/v2',
      '.',
      '..',
      '.hidden',
      'empty',
      'v2%00',
      'v%32',
      'v2 v1',
      'v2, v2',
      'v2;',
      '..\\v2',
      'file:///etc',
      `../${basename(trap)}`,
      trap,
      join(folder.path, 'v2'),
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'null',
      'undefined',
      '0',
      '\xff\xfe',
      '__proto__'.repeat(1_137),
      'v2'.repeat(100),
      'v'.repeat(129),
    ]
    const before = await processes()
    for (const name of names) {
      const answer = await request([`X-Version: ${name}`])
      expectProblem(answer, 404, 'UNKNOWN_VERSION', name)
      expect(answer.header('x-served-version'), name).toBeUndefined()
    }
    for (const pair of [
      ['x-version: v1', 'x-version: v2'],
      ['x-version: v2', 'X-Version: v2'],
    ]) {
      expectProblem(await request(pair), 404, 'UNKNOWN_VERSION', pair.join())
    }
    expect(await processes()).toEqual(before)
    expect(bootsOf(folder, 'v2')).toEqual([])
    expect(existsSync(join(trap, 'was-run'))).toBe(false)
    expect(existsSync(join(folder.path, '.hidden', 'was-run'))).toBe(false)
    expect(await versionInfo(gateway, 'v2')).toMatchObject({ state: 'cold', workers: 0, requests: 0 })
  })

  it('does not appear in the answer, nor does anything else of this machine', async () => {
    const answer = await request(['X-Version: ../secret'])
    expect(JSON.parse(answer.body)).toEqual({
      type: 'about:blank',
      title: 'No such version',
      status: 404,
      code: 'UNKNOWN_VERSION',
      requestId: answer.header('x-request-id'),
    })
  })

  it('is answered in HTML where the client prefers that', async () => {
    const browser = ['X-Version: v9', 'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8']
    const page = await request(browser)
    expect(page.status).toBe(404)
    expect(page.header('content-type')).toBe('text/html; charset=utf-8')
    expect(page.body).toMatch(/^<!doctype html>/)
    expect(page.body).toContain('No such version')
    expect(page.body).toContain(page.header('x-request-id'))
    const program = await request(['X-Version: v9', 'Accept: application/json, text/html;q=0.5'])
    expectProblem(program, 404, 'UNKNOWN_VERSION')
  })

  it('is answered without a body to HEAD, on a connection that goes on', async () => {
    const connection = await rawConnection(folder.port)
    connection.write('HEAD / HTTP/1.1\r\nHost: x\r\nX-Version: v9\r\n\r\n')
    const head = await connection.answer({ method: 'HEAD' })
    expect(head.status).toBe(404)
    expect(Number(head.header('content-length'))).toBeGreaterThan(0)
    connection.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect((await connection.answer()).status).toBe(200)
  })

  it('is answered to a POST that still sends its body, and the connection ends in order and announced', async () => {
    const connection = await rawConnection(folder.port)
    connection.write('POST / HTTP/1.1\r\nHost: x\r\nX-Version: v9\r\nContent-Length: 1000000\r\n\r\nhello')
    const answer = await connection.answer()
    expectProblem(answer, 404, 'UNKNOWN_VERSION')
    expect(answer.header('connection')).toBe('close')
    connection.write(Buffer.alloc(999_995))
    expect(await connection.closed()).toBe('end')
  })

  it.each([
    ['x/../y', 'BAD_USAGE|UNKNOWN_VERSION'],
    ['__proto__', 'UNKNOWN_VERSION'],
    ['constructor', 'UNKNOWN_VERSION'],
    ['../x', 'UNKNOWN_VERSION'],
    ['empty', 'UNKNOWN_VERSION'],
  ])('is refused by the commands as well: %s', async (name, code) => {
    for (const words of [
      ['proxy', 'promote', name],
      ['proxy', 'version', name, '1'],
    ]) {
      const outcome = await gateway.cservice(...words, '--json')
      expect(outcome.code).not.toBe(0)
      expect(outcome.json).toMatchObject({ error: { code: expect.stringMatching(new RegExp(`^(${code})$`)) } })
    }
    expect((await proxyInfo(gateway)).liveVersion).toBe('v1')
  })
})

describe('what is no request', () => {
  it.each([
    ['no Host', 'GET / HTTP/1.1', [], 'BAD_HOST'],
    ['two Hosts', 'GET / HTTP/1.1', ['Host: a', 'Host: b'], 'BAD_HOST'],
    ['the same Host twice', 'GET / HTTP/1.1', ['Host: a', 'host: a'], 'BAD_HOST'],
    ['a Host of two words', 'GET / HTTP/1.1', ['Host: a b'], 'BAD_HOST'],
    ['a list of Hosts', 'GET / HTTP/1.1', ['Host: a, b'], 'BAD_HOST'],
    ['a Host with a path', 'GET / HTTP/1.1', ['Host: a/b'], 'BAD_HOST'],
    ['a Host with a query', 'GET / HTTP/1.1', ['Host: a?b'], 'BAD_HOST'],
    ['a Host with user information', 'GET / HTTP/1.1', ['Host: user@a'], 'BAD_HOST'],
    ['a Host that is an address cut short', 'GET / HTTP/1.1', ['Host: [::1'], 'BAD_HOST'],
    ['a Host in brackets that is no address', 'GET / HTTP/1.1', ['Host: [a]'], 'BAD_HOST'],
    ['a Host with a port that is none', 'GET / HTTP/1.1', ['Host: a:8x'], 'BAD_HOST'],
    ['a Host with a port too large', 'GET / HTTP/1.1', ['Host: a:65536'], 'BAD_HOST'],
    ['a blank before the colon of Host', 'GET / HTTP/1.1', ['Host : a'], 'BAD_REQUEST'],
    ['a Host that goes on in the next line', 'GET / HTTP/1.1', ['Host: a', ' b'], 'BAD_'],
    ['a NUL in Host', 'GET / HTTP/1.1', ['Host: a\0b'], 'BAD_REQUEST'],
    ['a bad Host with an absolute target', 'GET http://a/ HTTP/1.1', ['Host: a b'], 'BAD_HOST'],
    ['an absolute target without Host', 'GET http://a/ HTTP/1.1', [], 'BAD_HOST'],
    ['a target without a slash', 'GET path HTTP/1.1', ['Host: a'], 'BAD_'],
    ['an asterisk that is not asked of OPTIONS', 'GET * HTTP/1.1', ['Host: a'], 'BAD_TARGET'],
    ['a blank in the target', 'GET /a b HTTP/1.1', ['Host: a'], 'BAD_'],
    ['a tab in the target', 'GET /a\tb HTTP/1.1', ['Host: a'], 'BAD_'],
    ['a NUL in the target', 'GET /a\0b HTTP/1.1', ['Host: a'], 'BAD_'],
    ['a bare carriage return in the target', 'GET /a\rb HTTP/1.1', ['Host: a'], 'BAD_'],
    ['a fragment in the target', 'GET /a#b HTTP/1.1', ['Host: a'], 'BAD_TARGET'],
    ['a target that is not ASCII', 'GET /\xe9 HTTP/1.1', ['Host: a'], 'BAD_'],
    ['an absolute target without a host', 'GET http:///a HTTP/1.1', ['Host: a'], 'BAD_'],
    ['an absolute target with user information', 'GET http://u@a/ HTTP/1.1', ['Host: a'], 'BAD_'],
    ['a scheme that is not ours', 'GET ftp://a/ HTTP/1.1', ['Host: a'], 'BAD_TARGET'],
    ['a version that is none', 'GET / HTTP/1.x', ['Host: a'], 'BAD_REQUEST'],
    ['an unknown method', 'HÄ / HTTP/1.1', ['Host: a'], 'BAD_REQUEST'],
  ])('is refused, and never reaches a worker: %s', async (_name, line, headers, code) => {
    const before = requestsOf(folder, 'v1').length
    const answer = await rawRequest(folder.port, [line, ...headers])
    expectProblem(answer, 400, code)
    // One that is answered shows that there was time for the other.
    await request([])
    expect(requestsOf(folder, 'v1').slice(before)).toEqual(['GET / gateway.example:8080'])
  })

  it.each([
    ['CONNECT', ['CONNECT a:80 HTTP/1.1', 'Host: a:80'], 501],
    ['a method that nobody knows', ['BREW / HTTP/1.1', 'Host: a'], 501],
    ['a head too large', ['GET / HTTP/1.1', 'Host: a', `X: ${'x'.repeat(20_000)}`], 431],
    ['a target too long', [`GET /${'x'.repeat(20_000)} HTTP/1.1`, 'Host: a'], 414],
    ['an expectation nobody knows', ['GET / HTTP/1.1', 'Host: a', 'Expect: tea'], 417],
  ])('is refused with its own status: %s', async (_name, lines, status) => {
    const before = requestsOf(folder, 'v1').length
    expect((await rawRequest(folder.port, lines)).status).toBe(status)
    await request([])
    expect(requestsOf(folder, 'v1').slice(before)).toEqual(['GET / gateway.example:8080'])
  })
})

describe('what is a request although it is rare', () => {
  it.each([
    ['HTTP/1.0 without Host', ['GET /a HTTP/1.0'], /^GET \/a /],
    [
      'Host untouched, in its case and with its port',
      ['GET /a HTTP/1.1', 'Host: EXAMPLE.org:80'],
      /^GET \/a EXAMPLE\.org:80$/,
    ],
    ['an IPv6 Host', ['GET /a HTTP/1.1', 'Host: [::1]:8080'], /^GET \/a \[::1\]:8080$/],
    [
      'an absolute target, whose authority counts and not Host (RFC 9112 3.2.2)',
      ['GET http://b.example:81/a?c HTTP/1.1', 'Host: a'],
      /^GET \/a\?c b\.example:81$/,
    ],
    ['OPTIONS *', ['OPTIONS * HTTP/1.1', 'Host: a'], /^OPTIONS \* a$/],
    ['two slashes', ['GET //b/../c HTTP/1.1', 'Host: a'], /^GET \/\/b\/\.\.\/c a$/],
  ])('%s', async (_name, lines, seen) => {
    const before = requestsOf(folder, 'v1').length
    expect((await rawRequest(folder.port, lines)).status).toBe(200)
    expect(requestsOf(folder, 'v1').slice(before)).toEqual([expect.stringMatching(seen)])
  })
})

describe('a version that is dropped in while the gateway runs', () => {
  it('is known without a restart, and is started by the first request that names it, not before', async () => {
    expectProblem(await request(['X-Version: v4']), 404, 'UNKNOWN_VERSION')
    folder.add('v4', counted('http'))
    await eventually('v4 in the catalog', () => versionInfo(gateway, 'v4').catch(() => null))
    expect(await versionInfo(gateway, 'v4')).toMatchObject({ state: 'cold', workers: 0 })
    expect(bootsOf(folder, 'v4')).toEqual([])
    const answer = await request(['X-Version: v4'])
    expect(answer.status).toBe(200)
    expect(bootsOf(folder, 'v4')).toHaveLength(1)
  })

  it('may come by a rename, as a deployment that must be whole does', async () => {
    folder.add('.v5.partial', counted('http'))
    renameSync(join(folder.path, '.v5.partial'), join(folder.path, 'v5'))
    await eventually('an answer of v5', async () => (await request(['X-Version: v5'])).status === 200)
  })
})

it('no default: a request without a version is answered 404 with NO_LIVE_VERSION, one with a version is served', async () => {
  const other = await versionFolder({ v1: counted('http') }, { defaultVersion: undefined })
  const plain = await startGateway(other)
  const answer = await rawRequest(other.port, ['GET / HTTP/1.1', 'Host: a'])
  expectProblem(answer, 404, 'NO_LIVE_VERSION')
  expect(bootsOf(other, 'v1')).toEqual([])
  expect((await proxyInfo(plain)).liveVersion).toBeNull()
  expect((await plain.fetch('/', { version: 'v1' })).status).toBe(200)
  expectProblem(await rawRequest(other.port, ['GET / HTTP/1.1', 'Host: a']), 404, 'NO_LIVE_VERSION')
})

it('a header of another name can be configured, in any case, and the answer need not tell the version', async () => {
  const other = await versionFolder(
    { v1: 'http', v2: 'http' },
    { versionHeader: 'X-App-Version', servedVersionHeader: false },
  )
  await startGateway(other)
  const answer = await rawRequest(other.port, ['GET / HTTP/1.1', 'Host: a', 'x-app-VERSION: v2', 'X-Version: v9'])
  expect(JSON.parse(answer.body)).toMatchObject({ version: 'v2' })
  expect(answer.header('x-served-version')).toBeUndefined()
})

function request(headers: readonly string[]): Promise<RawAnswer> {
  return rawRequest(folder.port, ['GET / HTTP/1.1', 'Host: gateway.example:8080', ...headers])
}

function expectProblem(answer: RawAnswer, status: number, code: string, about = ''): void {
  expect(answer.status, about).toBe(status)
  expect(answer.header('content-type'), about).toBe('application/problem+json')
  expect(answer.header('x-request-id'), about).toMatch(/^[0-9a-f]{24}$/)
  const body = JSON.parse(answer.body)
  expect(body, about).toMatchObject({ status, requestId: answer.header('x-request-id') })
  expect(body.code, about).toMatch(new RegExp(`^${code}`))
}

/** Everything that runs for the gateway, with the commands that ask it left out. */
async function processes(): Promise<number[]> {
  const { proxyWorkers, versionWorkers } = await proxyInfo(gateway)
  const known = [...proxyWorkers, ...versionWorkers].map(({ pid }) => pid)
  const running = gateway.processes().map(({ pid }) => pid)
  expect(running.toSorted()).toEqual([gateway.pid, ...known].toSorted())
  return running.toSorted()
}

function writeTrap(path: string): void {
  mkdirSync(path, { recursive: true })
  writeFileSync(
    join(path, 'worker.js'),
    `require('node:fs').writeFileSync(${JSON.stringify(join(path, 'was-run'))}, '')\n`,
  )
}
