import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Route, RouteTable, type RouteTableData } from '../../../src/proxy/routing/route-table.ts'

const cold: Route = { state: 'cold', attempt: 0, targets: [] }

test('names of the prototype are versions only if the catalog has them', () => {
  const table = new RouteTable({ epoch: 1, live: null, versions: [['v1', cold]] })
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    expect(table.route(name)).toBeUndefined()
  const odd = new RouteTable({ epoch: 1, live: null, versions: [['__proto__', cold]] })
  expect(odd.route('__proto__')).toEqual(cold)
})

test('a table survives the channel, whatever its versions are called', () => {
  const target = fc.record({ id: fc.string(), host: fc.string(), port: fc.nat({ max: 65_535 }) })
  const route = fc.record({ state: fc.constant('ready' as const), attempt: fc.nat(), targets: fc.array(target) })
  const data: fc.Arbitrary<RouteTableData> = fc.record({
    epoch: fc.nat(),
    live: fc.option(fc.string()),
    versions: fc.uniqueArray(fc.tuple(fc.string(), route), { selector: ([name]) => name }),
  })
  fc.assert(
    fc.property(data, (sent) => {
      const received = new RouteTable(JSON.parse(JSON.stringify(new RouteTable(sent).toData())))
      expect(received.toData()).toEqual(sent)
      for (const [name, expected] of sent.versions) expect(received.route(name)).toEqual(expected)
    }),
  )
})
