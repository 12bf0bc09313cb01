import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ForwardingFields } from '../../../../src/proxy/dataplane/forwarding-fields.ts'
import { WorkerHeads } from '../../../../src/proxy/dataplane/http2/worker-head.ts'
import { workerRequestLines } from '../../../../src/proxy/dataplane/worker-request.ts'

const peer = { address: '192.0.2.7', isEncrypted: true }

test('a worker gets the fields that the other lanes pass on', () => {
  const name = fc.constantFrom(
    ...['x-a', 'accept', 'cookie', 'trailer', 'expect', 'te', 'http2-settings', 'proxy-authorization', 'x-request-id'],
    ...['x-forwarded-for', 'x-forwarded-port', 'forwarded', 'x_forwarded_for', 'x_request_id', 'content_length'],
  )
  const line = fc.tuple(name, fc.constantFrom('a', '192.0.2.1', 'for=192.0.2.1', ''))
  const options = fc.record({ isPeerTrusted: fc.boolean(), isWhole: fc.boolean() })
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), options, (lines, { isPeerTrusted, isWhole }) => {
      const fields = lines.flat()
      const head = { method: 'GET', path: '/a', host: 'h.test', fields, contentLength: -1 }
      const text = new WorkerHeads(peer).write(head, { isPeerTrusted, isWhole, requestId: 'i' })
      const expected = workerRequestLines({
        method: 'GET',
        rawHeaders: ['host', 'h.test', ...fields],
        forwarding: new ForwardingFields(peer),
        isPeerTrusted,
        requestId: 'i',
        authority: null,
        host: 'h.test',
        hasBody: !isWhole,
        isChunked: !isWhole,
        isHttp10: false,
        upgrade: null,
      })
      expect(text.startsWith('GET /a HTTP/1.1\r\n')).toBe(true)
      expect(text.endsWith('\r\n\r\n')).toBe(true)
      expect(text.trimEnd().split('\r\n').slice(1).map(trimmed).sort()).toEqual(asLines(expected).sort())
    }),
    { numRuns: 2_000 },
  )
})

test('a request that could have a body says so if it has none', () => {
  const head = { method: 'POST', path: '/', host: 'h', fields: [], contentLength: -1 }
  const write = (isWhole: boolean) =>
    new WorkerHeads(peer).write(head, { isPeerTrusted: false, isWhole, requestId: 'i' })
  expect(write(true)).toContain('\r\ncontent-length: 0\r\n')
  expect(write(false)).not.toContain('content-length')
})

function asLines(fields: readonly string[]): string[] {
  const lines: string[] = []
  for (let index = 0; index < fields.length; index += 2) lines.push(trimmed(`${fields[index]}: ${fields[index + 1]}`))
  return lines
}

/** An empty last value at the end of the head is a space more or less. */
function trimmed(line: string): string {
  return line.trimEnd()
}
