import { expect, test } from 'vitest'
import { addSelectionHeaders, applySelection, applyToLines } from '../../../src/proxy/dataplane/apply-selection.ts'
import { scanResponseHead } from '../../../src/proxy/dataplane/fast/scan-response-head.ts'
import { spliceResponseHead } from '../../../src/proxy/dataplane/fast/splice-response-head.ts'
import { answerHeaders } from '../../../src/proxy/dataplane/http2/answer-headers.ts'
import { relayedHeaders } from '../../../src/proxy/dataplane/relay-answer.ts'
import { selectionOf } from '../../../src/proxy/routing/selection.ts'

const plain = selectionOf('v2', 'path')
const cut = { ...plain, target: '/a?b=/_v/v2', prefix: '/_v/v2' }
const head = (...lines: string[]) => ['GET /_v/v2/a?b=/_v/v2 HTTP/1.1', 'Host: h', ...lines, '', ''].join('\r\n')

test('a selection that changes nothing leaves the head as it is', () => {
  expect(applySelection(head(), plain)).toBe(head())
})

test('the worker gets what is left of the target, and the prefix in a header', () => {
  expect(applySelection(head(), cut)).toBe('GET /a?b=/_v/v2 HTTP/1.1\r\nHost: h\r\nX-Forwarded-Prefix: /_v/v2\r\n\r\n')
  expect(applyToLines(['Host', 'h'], cut)).toEqual(['Host', 'h', 'X-Forwarded-Prefix', '/_v/v2'])
})

test('a prefix that a trusted proxy has cut off before stands in front of ours, once', () => {
  expect(applySelection(head('x-forwarded-prefix: /outer/'), cut)).toBe(
    'GET /a?b=/_v/v2 HTTP/1.1\r\nHost: h\r\nX-Forwarded-Prefix: /outer/_v/v2\r\n\r\n',
  )
  expect(applyToLines(['x-forwarded-prefix', '/outer'], cut)).toEqual(['X-Forwarded-Prefix', '/outer/_v/v2'])
})

test('header fields are replaced, or left out, whatever the case of their names', () => {
  const selection = {
    ...plain,
    replaced: [
      ['x-secret', null],
      ['cookie', 'a=b'],
    ] as const,
  }
  expect(applySelection(head('X-Secret: 1', 'Name:  Voil\xc3\xa0', 'COOKIE: s=1; a=b'), selection)).toBe(
    'GET /_v/v2/a?b=/_v/v2 HTTP/1.1\r\nHost: h\r\nName: Voil\xc3\xa0\r\ncookie: a=b\r\n\r\n',
  )
  const lines = ['X-SECRET', '1', 'A', 'b', 'x-secret', '2', 'A', 'c', 'Cookie', 's=1', 'Cookie', 'a=b']
  expect(applyToLines(lines, selection)).toEqual(['A', 'b', 'A', 'c', 'cookie', 'a=b'])
})

test('cookies of a selection are added to those of the worker, in every way that an answer is written', () => {
  const own: string[] = []
  addSelectionHeaders(own, { ...plain, cookies: ['a=1; HttpOnly', 'b=2'] }, true)
  expect(own).toEqual(['X-Served-Version', 'v2; by=path', 'Set-Cookie', 'a=1; HttpOnly', 'Set-Cookie', 'b=2'])
  const expected = ['w=0', 'a=1; HttpOnly', 'b=2']
  for (const connection of ['keep-alive', 'keep-alive, x-gone']) {
    for (const status of ['200 OK', '304 Not Modified']) {
      const bytes = Buffer.from(
        `HTTP/1.1 ${status}\r\nSet-Cookie: w=0\r\nConnection: ${connection}\r\nContent-Length: 0\r\n\r\n`,
      )
      const scanned = scanResponseHead(bytes, 0, bytes.length)
      if (typeof scanned === 'string') throw new Error(scanned)
      const text = spliceResponseHead(bytes, scanned, 'length', own)
      expect([...text.matchAll(/^set-cookie: (.*)\r$/gim)].map(([, value]) => value)).toEqual(expected)
      expect(answerHeaders(bytes, scanned, 'length', own)['set-cookie']).toEqual(expected)
    }
  }
  expect(relayedHeaders(['set-cookie', 'w=0', 'x-served-version', 'forged'], 200, own)).toEqual([
    'set-cookie',
    'w=0',
    ...own,
  ])
})
