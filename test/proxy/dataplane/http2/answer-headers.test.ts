import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scanResponseHead } from '../../../../src/proxy/dataplane/fast/scan-response-head.ts'
import { framingOf } from '../../../../src/proxy/dataplane/fast/splice-response-head.ts'
import { addHeaders, answerHeaders, newHeaders } from '../../../../src/proxy/dataplane/http2/answer-headers.ts'
import { relayedHeaders } from '../../../../src/proxy/dataplane/relay-answer.ts'

const own = ['X-Request-Id', 'i', 'X-Served-Version', 'v1; by=live']

function headersOf(status: number, lines: ReadonlyArray<readonly [string, string]>) {
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const bytes = Buffer.from(`HTTP/1.1 ${status} OK\r\n${text}\r\n`, 'latin1')
  const head = scanResponseHead(bytes, 0, bytes.length)
  if (typeof head === 'string') return null
  const framing = framingOf(head, false)
  return { framing, headers: answerHeaders(bytes, head, framing, own) }
}

test('names that objects have by themselves are names like any other', () => {
  const found = headersOf(200, [
    ['constructor', 'a'],
    ['__proto__', 'b'],
    ['toString', 'c'],
  ])
  expect(Object.entries(found?.headers ?? {}).slice(1, 4)).toEqual([
    ['constructor', 'a'],
    ['__proto__', 'b'],
    ['tostring', 'c'],
  ])
})

test('the fields of an answer are those that the other lanes pass on', () => {
  const name = fc.constantFrom(
    ...['Content-Type', 'content-length', 'Transfer-Encoding', 'X-A', 'x-a', 'Set-Cookie', 'Vary', 'Date', 'Trailer'],
    ...['Connection', 'Keep-Alive', 'X-Request-Id', 'x-served-version', 'Upgrade', 'TE', 'Proxy-Authenticate'],
  )
  const value = fc.constantFrom('a', ' b ', '\tc', '5', 'chunked', 'close', 'x-a', 'caf\xe9', '')
  const lines = fc.array(fc.tuple(name, value), { maxLength: 8 })
  fc.assert(
    fc.property(fc.constantFrom(200, 204, 304, 404), lines, (status, given) => {
      const found = headersOf(status, given)
      if (found === null) return
      const raw = given.flatMap(([one, text]) => [one, text.replace(/^[\t ]+|[\t ]+$/g, '')])
      const expected = newHeaders(status)
      addHeaders(expected, relayedHeaders(raw, status, own, found.framing === 'chunked'))
      expect(Object.entries(found.headers).sort()).toEqual(Object.entries(expected).sort())
    }),
    { numRuns: 3_000 },
  )
})
