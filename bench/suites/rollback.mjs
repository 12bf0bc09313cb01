// Rollback to a warm version: from the command until the first request has been answered by it, against what `proxy info`
// takes on the same way: on the command line, process start and all, and over the control socket from a process that runs.
import { once } from 'node:events'
import http from 'node:http'
import { sendCommand } from '../../dist/supervisor/control/client.js'
import { compare } from '../compare.mjs'
import { withGateway } from '../gateway.mjs'
import { contenderRows, figure } from '../table.mjs'

export const rollbackSuite = {
  name: 'rollback',
  defaults: { rounds: 20 },
  smoke: { rounds: 2 },
  run: ({ rounds, isSmoke }) => withGateway((gateway) => measure({ gateway, rounds, isSmoke }), { warmSpares: 0 }),
}

async function measure({ gateway, rounds, isSmoke }) {
  const program = (...words) => gateway.command(...words)
  const socket = (...words) => sendCommand(words.join(' '), { port: gateway.controlPort, host: 'localhost' })
  const pids = () => []
  const contenders = [
    { id: 'program-info', base: 'program-info', name: 'cservice proxy info', pids, run: () => info(program) },
    {
      id: 'program',
      base: 'program-info',
      name: 'cservice proxy rollback, first answer',
      pids,
      run: () => rollback(gateway, program, socket),
    },
    { id: 'socket-info', base: 'socket-info', name: 'proxy info, control socket', pids, run: () => info(socket) },
    {
      id: 'socket',
      base: 'socket-info',
      name: 'proxy rollback, control socket, first answer',
      pids,
      run: () => rollback(gateway, socket, socket),
    },
  ]
  const samples = await compare({
    contenders,
    rounds,
    isSmoke,
    measure: async ({ run }) => ({ milliseconds: await run() }),
  })
  const rows = contenderRows(samples, ({ id, base }) => [
    figure(samples.value(id, 'milliseconds'), 1),
    figure(samples.ratio(id, base, 'milliseconds'), 2),
  ])
  return [
    {
      key: 'rollback',
      title: 'Rollback to a warm version',
      rows: [['', 'median ms', '× proxy info'], ...rows],
      samples,
    },
  ]
}

async function info(send) {
  const started = performance.now()
  await send('proxy', 'info')
  return performance.now() - started
}

/** v2 is made live for it, which nobody counts. */
async function rollback(gateway, send, prepare) {
  await prepare('proxy', 'promote', 'v2')
  const started = performance.now()
  const { version, isWarm } = await send('proxy', 'rollback')
  if (version !== 'v1' || !isWarm) throw new Error(`went back to ${version}, warm: ${isWarm}`)
  const served = await servedVersion(gateway.port)
  const time = performance.now() - started
  if (served !== 'v1') throw new Error(`the first request behind the rollback was served by ${served}`)
  return time
}

async function servedVersion(port) {
  const [res] = await once(http.get({ host: '127.0.0.1', port, agent: false }), 'response')
  await once(res.resume(), 'end')
  return String(res.headers['x-served-version']).split(';')[0]
}
