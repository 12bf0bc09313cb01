import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ToProxyProcess } from '../../src/proxy/messages.ts'
import { RoutePublisher } from '../../src/proxy/route-publisher.ts'
import type { Route } from '../../src/proxy/routing/route-table.ts'

const ready = (...ids: string[]): Route => ({
  state: 'ready',
  attempt: 1,
  targets: ids.map((id, index) => ({ id, host: '127.0.0.1', port: 11_000 + index })),
})

test('a table that says nothing new is not sent and has no epoch of its own', () => {
  const publisher = new RoutePublisher()
  const process = proxyProcess('a')
  publisher.subscribe(process)
  const epoch = publisher.publish({ live: 'v1', versions: [['v1', ready('w1')]] })
  expect(publisher.publish({ live: 'v1', versions: [['v1', ready('w1')]] })).toBe(epoch)
  expect(process.epochs).toEqual([0, epoch])
})

test('a proxy process that comes later gets the current table', () => {
  const publisher = new RoutePublisher()
  const epoch = publisher.publish({ live: 'v1', versions: [['v1', ready('w1')]] })
  const late = proxyProcess('late')
  publisher.subscribe(late)
  expect(late.epochs).toEqual([epoch])
})

test('an epoch is acknowledged when every process has said so, or is gone', async () => {
  const publisher = new RoutePublisher()
  const [a, b, c] = [proxyProcess('a'), proxyProcess('b'), proxyProcess('c')]
  for (const process of [a, b, c]) publisher.subscribe(process)
  const epoch = publisher.publish({ live: 'v2', versions: [] })
  let isDone = false
  const done = publisher.acknowledged(epoch, 10_000).then(() => {
    isDone = true
  })
  publisher.acknowledge(a, epoch)
  publisher.acknowledge(b, epoch - 1)
  publisher.unsubscribe(c)
  await Promise.resolve()
  expect(isDone).toBe(false)
  publisher.acknowledge(b, epoch)
  await done
})

test('a process that does not acknowledge is named', async () => {
  const publisher = new RoutePublisher()
  publisher.subscribe(proxyProcess('mute', 4321))
  const epoch = publisher.publish({ live: 'v2', versions: [] })
  await expect(publisher.acknowledged(epoch, 20)).rejects.toMatchObject({
    code: 'NOT_ACKNOWLEDGED',
    message: expect.stringContaining('4321'),
    details: { pids: [4321], epoch },
  })
})

test('a target is released when each process that ever knew it has let it go, or is gone', async () => {
  const publisher = new RoutePublisher()
  const [a, b] = [proxyProcess('a'), proxyProcess('b')]
  publisher.subscribe(a)
  publisher.subscribe(b)
  publisher.publish({ live: 'v1', versions: [['v1', ready('w1', 'w2')]] })
  publisher.publish({ live: 'v1', versions: [['v1', ready('w1')]] })
  const newcomer = proxyProcess('c')
  publisher.subscribe(newcomer)
  expect(publisher.holders('w2').map(({ id }) => id)).toEqual(['a', 'b'])
  publisher.release(a, ['w2'])
  expect(await publisher.released('w2', 20)).toBe(false)
  publisher.unsubscribe(b)
  expect(await publisher.released('w2', 20)).toBe(true)
})

test('epochs only ever grow, whatever is published', () => {
  const name = fc.constantFrom('v1', 'v2', '__proto__')
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.array(fc.constantFrom('w1', 'w2', 'w3')))), (changes) => {
      const publisher = new RoutePublisher()
      const process = proxyProcess('a')
      publisher.subscribe(process)
      for (const [live, targets] of changes) publisher.publish({ live, versions: [[live, ready(...targets)]] })
      expect(process.epochs).toEqual([...new Set(process.epochs)].sort((a, b) => a - b))
      const last = changes.at(-1)
      if (last) expect(publisher.table.route(last[0])?.targets.map(({ id }) => id)).toEqual(last[1])
    }),
  )
})

function proxyProcess(id: string, pid = 1) {
  const epochs: number[] = []
  return {
    id,
    pid,
    epochs,
    send(body: unknown) {
      const message = body as ToProxyProcess
      if (message.type === 'routes') epochs.push(message.table.epoch)
      return true
    },
  }
}
