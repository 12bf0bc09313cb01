import { expect, test } from 'vitest'
import { startRecordingWorker } from './fast/recording-worker.ts'
import { RawClient, startGateway } from './harness.ts'
import { type Cut, echo, isUnharmed, knock } from './strictness/front-door.ts'
import { rareCases } from './strictness/rare-cases.ts'
import { head } from './strictness/strict-case.ts'

const lanes = ['both', 'general'] as const
const cuts: readonly Cut[] = ['whole', 'pieces', 'bytes']
/** Where the answer ends the connection: also where a body may still come, after `Expect`, or another protocol. */
const closing = /^GET \S+ HTTP\/1\.0\r\n(?!.*keep-alive)|\r\n(?:Expect|Upgrade):/s
/** What must stay behind: of `Connection` itself the recording worker says nothing. */
const hopByHop = /^(?:x-hop|te|upgrade|keep-alive|proxy-connection|http2-settings):/

for (const lane of lanes) {
  test.each(rareCases.map((one) => [one.section, one.name, one] as const))(
    `%s: %s is served (lanes: ${lane})`,
    async (_section, _name, { bytes, line, fields = [], body = '' }) => {
      const worker = await startRecordingWorker(echo)
      const gateway = await startGateway({ v1: [worker.target] }, {}, lane)
      for (const cut of cuts) {
        if (cut === 'bytes' && bytes.length > 3_000) continue
        worker.requests.length = 0
        const one = { section: '', name: '', bytes, allowed: [200] as const, closes: closing.test(bytes) }
        expect({ cut, ...(await knock(gateway, worker, one, cut)) }).toEqual({ cut, outcome: 200, faults: [] })
        const [seen] = worker.requests
        expect(seen?.line).toBe(line)
        expect(seen?.body).toBe(body)
        for (const field of fields) expect(seen?.fields).toContain(field)
        expect(seen?.fields.filter((one) => hopByHop.test(one))).toEqual([])
      }
      expect(await isUnharmed(gateway)).toBe(true)
    },
  )
}

test.each(lanes)(
  'OPTIONS that may not be forwarded is answered by the gateway, whatever its target (lanes: %s)',
  async (lane) => {
    const worker = await startRecordingWorker(echo)
    const gateway = await startGateway({ v1: [worker.target] }, {}, lane)
    for (const target of ['/', '*']) {
      const client = new RawClient(gateway.port)
      client.send(
        head(`OPTIONS ${target} HTTP/1.1`, 'max-forwards: 0'),
        head('GET /next HTTP/1.1', 'Connection: close'),
      )
      expect(await client.closed()).toMatch(/^HTTP\/1\.1 204 .*\r\n\r\nHTTP\/1\.1 200 .*GET \/next HTTP\/1\.1$/s)
    }
    expect(worker.requests.length).toBe(2)
  },
)

test.each(lanes)('a Max-Forwards of OPTIONS that is no number is refused (lanes: %s)', async (lane) => {
  const worker = await startRecordingWorker(echo)
  const gateway = await startGateway({ v1: [worker.target] }, {}, lane)
  const client = new RawClient(gateway.port).send(head('OPTIONS / HTTP/1.1', 'Max-Forwards: x'))
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 400 .*BAD_REQUEST/s)
  expect(worker.requests).toEqual([])
})

test.each(lanes)('TRACE and TRACK are not answered (lanes: %s)', async (lane) => {
  const worker = await startRecordingWorker(echo)
  const gateway = await startGateway({ v1: [worker.target] }, {}, lane)
  for (const method of ['TRACE', 'TRACK']) {
    const client = new RawClient(gateway.port).send(head(`${method} / HTTP/1.1`, 'Cookie: secret=1'))
    const answer = await client.closed()
    expect(answer).toMatch(/^HTTP\/1\.1 501 .*NOT_IMPLEMENTED/s)
    expect(answer).not.toContain('secret')
  }
  expect(worker.requests).toEqual([])
})
