import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Dispatcher } from '../../../src/proxy/dataplane/dispatcher.ts'
import type { FromProxyProcess } from '../../../src/proxy/messages.ts'
import type { Target } from '../../../src/proxy/routing/route-table.ts'
import { defaultSettings, tableOf, type Versions } from './harness.ts'

const target = (id: string): Target => ({ id, host: '127.0.0.1', port: 1 })

function dispatcherOf(versions: Versions) {
  const sent: FromProxyProcess[] = []
  const dispatcher = new Dispatcher({ settings: () => defaultSettings, send: (message) => sent.push(message) })
  let epoch = 0
  const route = (next: Versions): void => dispatcher.update(tableOf(next, Object.keys(next)[0] ?? null, ++epoch))
  route(versions)
  return { dispatcher, sent, route }
}

test('a request goes to each target that refuses it once, and then to none', () => {
  const { dispatcher } = dispatcherOf({ v: [target('a'), target('b')] })
  const ticket = dispatcher.enter('v')
  const tried = [ticket.claim(), ticket.claim()].map((claim) => {
    if (claim !== null) ticket.refuse(claim, 'refused')
    return claim?.target.id
  })
  expect(tried.length).toBe(2)
  expect(ticket.claim()?.target.id ?? null).toBe(null)
})

test('a target that broke off is taken again only where there is no other, and after a moment', async () => {
  for (const others of [[], ['b', 'c']]) {
    const { dispatcher } = dispatcherOf({ v: [target('a'), ...others.map(target)] })
    const ticket = dispatcher.enter('v')
    const first = ticket.claim()
    if (first === null) throw new Error('no claim')
    ticket.breakOff(first, null)
    // The others are busier, and yet they are preferred.
    const busy = others.length > 0 ? Array.from({ length: 9 }, () => dispatcher.enter('v').claim()) : []
    for (const claim of busy) if (claim?.target.id === first.target.id) claim.release()
    if (others.length === 0) {
      expect(ticket.claim()).toBeNull()
      await ticket.wait(10_000, new AbortController().signal)
    }
    expect(ticket.claim()?.target.id === first.target.id).toBe(others.length === 0)
  }
})

test('an ejection is reported once, however many requests were under way on the target', () => {
  const { dispatcher, sent } = dispatcherOf({ v: [target('a')] })
  const claims = [1, 2, 3].map(() => dispatcher.enter('v').claim())
  for (const claim of claims) claim?.fail('reset')
  expect(sent.filter(({ type }) => type === 'ejected')).toEqual([{ type: 'ejected', target: 'a', reason: 'reset' }])
})

test('an ejected target gets nothing while another is sound, and its failures are forgotten when it leaves', () => {
  const { dispatcher, sent, route } = dispatcherOf({ v: [target('a'), target('b')] })
  const claims = [dispatcher.enter('v').claim(), dispatcher.enter('v').claim()]
  const bad = claims.find((claim) => claim?.target.id === 'a')
  bad?.fail('refused')
  for (const claim of claims) claim?.release()
  for (let index = 0; index < 10; index++) expect(dispatcher.enter('v').claim()?.target.id).toBe('b')
  route({ v: [target('b')] })
  route({ v: [target('b'), target('a')] })
  expect(dispatcher.enter('v').claim()?.target.id).toBe('a')
  expect(sent.filter(({ type }) => type === 'released')).toEqual([{ type: 'released', targets: ['a'] }])
})

test('through any history, a target is released exactly when it has left and nothing is in flight on it', () => {
  const ids = ['a', 'b', 'c']
  const step = fc.oneof(
    fc.record({ do: fc.constant('claim' as const) }),
    fc.record({ do: fc.constant('release' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('route' as const), targets: fc.uniqueArray(fc.constantFrom(...ids)) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { dispatcher, sent, route } = dispatcherOf({ v: ids.map(target) })
      let routed: readonly string[] = ids
      const known = new Set(ids)
      const inFlight: Array<{ id: string; release(): void }> = []
      const busy = (id: string): boolean => inFlight.some((claim) => claim.id === id)
      for (const action of steps) {
        const before = sent.length
        if (action.do === 'claim') {
          const claim = dispatcher.enter('v').claim()
          if (claim !== null) {
            expect(routed).toContain(claim.target.id)
            inFlight.push({ id: claim.target.id, release: () => claim.release() })
          }
        } else if (action.do === 'route') {
          routed = action.targets
          route({ v: routed.map(target) })
          for (const id of routed) known.add(id)
        } else {
          const [claim] = inFlight.splice(action.which % Math.max(1, inFlight.length), 1)
          claim?.release()
          claim?.release()
        }
        const released = sent.slice(before).flatMap((message) => (message.type === 'released' ? message.targets : []))
        const expected = [...known].filter((id) => !routed.includes(id) && !busy(id))
        expect([...released].sort()).toEqual(expected.sort())
        for (const id of expected) known.delete(id)
      }
    }),
  )
})
