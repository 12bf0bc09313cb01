import { once } from 'node:events'
import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { plainService, webServer } from '../../support/plain-service.ts'

/** Writes onto the channel itself, under the agent. */
const say = (line: string) => `require('node:fs').writeSync(4, ${JSON.stringify(`${line}\n`)})`

test('a worker cannot speak for another one, which may run as a user with more rights', async () => {
  const service = await plainService()
  await service.plain.start(service.entry(service.write('web.js', webServer('v1')), { count: 1 }))
  const [victim] = service.supervisor.workers
  const heard: unknown[] = []
  victim?.on('message', (body) => heard.push(body))
  const lie = [
    say(JSON.stringify({ type: 'hello', id: victim?.id, pid: victim?.pid, state: 'ready' })),
    say(JSON.stringify({ type: 'message', body: 'I am another' })),
  ]
  const file = service.write('liar.js', `setTimeout(() => { ${lie.join(';')} }, 100); ${webServer('v2')}`)
  const env = { PORT: '0' }
  await service.plain.start(service.entry(file, { name: 'liar', count: 1, env }))
  const liar = service.supervisor.workers.find(({ name }) => name === 'liar')
  await eventually('the liar is no longer listened to', () => liar?.tell({ type: 'ping' }) === false)
  expect(heard).toEqual([])
  expect(victim?.tell({ type: 'ping' })).toBe(true)
})

test.each([
  ['garbage on its channel', say('{"type":')],
  ['values that are no messages', [say('null'), say('7'), say('{"type":"metrics","metrics":null}')].join(';')],
  [
    'orders to the cluster that make no sense',
    `for (const act of ['queryServer', 'close', 'online', 'listening', 'suicide', '?']) {
       process.send({ cmd: 'NODE_CLUSTER', act, fd: 'x', addressType: 'x', address: {}, port: 1e9, key: 1 })
       process.send({ cmd: 'NODE_CLUSTER', act, address: {}, port: -1, addressType: 4, key: {} })
     }`,
  ],
  [
    'messages of its own by the thousand',
    `for (let i = 0; i < 5_000; i++) process.send({ i, text: 'x'.repeat(1_000) })`,
  ],
  ['its end of the channel closed', `require('node:fs').closeSync(4)`],
  ['the IPC closed', 'process.disconnect()'],
  ['its leave of the cluster', `require('node:cluster').worker.disconnect()`],
  ['an end by way of the cluster', `require('node:cluster').worker.kill()`],
  [
    'thousands of servers that come and go',
    `let left = 2_000
     const next = () => { if (left-- > 0) { const server = require('node:net').createServer().listen(0, () => server.close(next)) } }
     next()`,
  ],
])('a worker with %s harms nobody else', { timeout: 60_000 }, async (_, harm) => {
  const service = await plainService()
  const file = service.write('web.js', webServer('v1'))
  await service.plain.start(service.entry(file, { count: 1 }))
  const [well] = service.pids()
  const hostile = service.write('hostile.js', `setTimeout(() => { ${harm} }, 100); setInterval(() => {}, 1_000)`)
  await service.plain.start(service.entry(hostile, { name: 'hostile', count: 1 }))
  const worker = service.supervisor.workers.find(({ name }) => name === 'hostile')
  await Promise.race([worker && once(worker, 'exit'), new Promise((resolve) => setTimeout(resolve, 1_500))])
  expect(service.pids()).toContain(well)
  expect(await service.ask()).toBe(`v1 ${well}`)
  expect(await service.run('restart all {"timeout":30000}')).toMatch(/workers restarted successfully/)
  expect(await service.ask()).toMatch(/^v1 /)
})
