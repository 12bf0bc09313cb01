import { expect, test } from 'vitest'
import { RawClient, startGateway, startRawWorker } from './harness.ts'
import { answerCases } from './strictness/answer-cases.ts'
import { head } from './strictness/strict-case.ts'

const lanes = ['both', 'general'] as const

for (const lane of lanes) {
  test.each(answerCases)(`%s: a worker that sends %s (lanes: ${lane})`, async (_section, _name, answer, relayed) => {
    const worker = await startRawWorker((socket) => {
      socket.once('data', () => socket.end(answer, 'latin1'))
    })
    const gateway = await startGateway({ v1: [worker.target] }, {}, lane)
    const client = new RawClient(gateway.port).send(head('GET / HTTP/1.1', 'Connection: close'))
    const text = await client.closed()
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
    const isWhole = /\r\n\r\n(?:[0-9a-f]+\r\n)?ok(?:\r\n0\r\n\r\n)?$/.test(text)
    if (relayed === 'broken') {
      // What comes in one piece with the head may be seen to be broken before anything is sent.
      expect(statuses).toEqual([expect.toBeOneOf([200, 502])])
      expect(isWhole && client.hasEnded).toBe(false)
    } else {
      expect(statuses.filter((status) => status >= 200)).toEqual([relayed])
      if (relayed === 200) expect(isWhole).toBe(true)
      else if (relayed === 502) expect(text).toMatch(/"code":"TARGET_(?:BAD_ANSWER|BROKE_OFF)"/)
      else expect(text).toMatch(/\r\n\r\n$/)
      if (relayed === 204) expect(text).not.toMatch(/content-length/i)
      expect(text).toMatch(/\r\nDate: /i)
    }
  })
}
