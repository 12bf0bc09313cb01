import { expect, test } from 'vitest'
import { redirectLocation } from '../../../src/proxy/dataplane/redirect.ts'
import { makeCertificate, writeCertificate } from '../../support/make-certificate.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { RawClient, startGateway } from './harness.ts'
import { dial } from './tls-client.ts'

test.each<[number | string, string | null, string, string | null]>([
  [443, 'example.com', '/a?b=c', 'https://example.com/a?b=c'],
  [443, 'example.com:80', '/', 'https://example.com/'],
  [443, 'example.com:8080', '/', 'https://example.com/'],
  [443, 'example.com:', '/', 'https://example.com/'],
  [8443, 'example.com:80', '/', 'https://example.com:8443/'],
  [80, 'example.com:8080', '/a', 'http://example.com/a'],
  [443, '[::1]', '/', 'https://[::1]/'],
  [443, '[::1]:80', '/', 'https://[::1]/'],
  [8443, '[2001:db8::1]:8080', '/', 'https://[2001:db8::1]:8443/'],
  [8443, '127.0.0.1:80', '/', 'https://127.0.0.1:8443/'],
  [443, 'example.com', '*', 'https://example.com/'],
  [443, 'example.com', '//evil.example/', 'https://example.com//evil.example/'],
  [443, null, '/', null],
  ['https://example.org', 'example.com', '/a?b', 'https://example.org/a?b'],
  ['https://example.org/', null, '/a', 'https://example.org/a'],
  ['https://example.org/base/', 'x', '/a', 'https://example.org/base/a'],
  ['http://example.org:8080/', 'x', '*', 'http://example.org:8080/'],
])('to %s, asked for %s%s: %s', (to, authority, path, expected) => {
  expect(redirectLocation(to, authority, path)).toBe(expected)
})

test.each<[string, string[], RegExp]>([
  ['a sane host', ['Host: a.test:80'], /^HTTP\/1\.1 308 .*\r\nLocation: https:\/\/a\.test:8443\/x\?y\r\n/],
  ['an IPv6 host', ['Host: [::1]:80'], /^HTTP\/1\.1 308 .*\r\nLocation: https:\/\/\[::1\]:8443\/x\?y\r\n/],
  ['no host', [], /^HTTP\/1\.1 400 /],
  ['two hosts', ['Host: a', 'Host: b'], /^HTTP\/1\.1 400 /],
  ['a host with user info', ['Host: a@b'], /^HTTP\/1\.1 400 /],
  ['a host with a path', ['Host: a.test/evil'], /^HTTP\/1\.1 400 /],
  ['a host with a port that is none', ['Host: a:99999'], /^HTTP\/1\.1 400 /],
  ['an IPv6 host without brackets', ['Host: ::1'], /^HTTP\/1\.1 400 /],
])('a redirecting binding answers a request with %s', async (_, lines, expected) => {
  const { port } = await startGateway({ v1: [] }, { binding: { port: 0, tlsOptions: null, redirect: 8443 } })
  const answer = await new RawClient(port).send('GET /x?y HTTP/1.1', ...lines, '', '').until(/\r\n\r\n/)
  expect(answer).toMatch(expected)
})

test('a redirecting binding may have TLS itself, and answers many times on one connection, until a body comes', async () => {
  const tlsOptions = writeCertificate(temporaryFolder(), 'app', makeCertificate())
  const redirect = 'https://www.example.com/'
  const { port } = await startGateway({ v1: [] }, { binding: { port: 0, tlsOptions, redirect } })
  const client = new RawClient(await dial(port))
  const expected = / 308 .*\r\nLocation: https:\/\/www\.example\.com\/form\r\n/
  for (let round = 0; round < 3; round++) {
    client.send('GET /form HTTP/1.1', 'Host: a', '', '')
    expect(await client.until(/\r\n\r\n/)).toMatch(expected)
  }
  client.send('POST /form HTTP/1.1', 'Host: a', 'Content-Length: 4', '', 'body')
  expect(await client.closed()).toMatch(expected) // nobody wants to read it
})
