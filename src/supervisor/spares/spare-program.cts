import Module from 'node:module'
import { ChannelClient, spareVariable } from '../../common/channel-client.cts'
import type { Program, ToProcess } from '../../common/channel-protocol.ts' with { 'resolution-mode': 'import' }
import { serve } from '../agent/agent.cts'
import { warmUp } from './warm-up.cts'
import { warmUpSocket } from './warm-up-socket.cts'

/**
 * What a warm spare runs: it waits, with everything compiled that a worker needs, until it is told which worker it is, and is
 * then what `node --require <agent> <file>` would have been. Nothing of anybody runs before; it becomes one worker only.
 */

const keepAliveMs = 2 ** 30
/** Our files that an ordinary worker does not load. */
const ours = [__filename, require.resolve('./warm-up.cjs'), require.resolve('./warm-up-socket.cjs')]

const channel = ChannelClient.fromEnvironment(spareVariable)
if (channel) void wait(channel)

async function wait(channel: ChannelClient): Promise<void> {
  // The channel does not keep a process alive by itself, and a spare has nothing else.
  const alive = setInterval(() => {}, keepAliveMs)
  // A worker goes on serving without its supervisor for a while; a spare serves nobody.
  channel.on('lost', () => process.exit())
  channel.on('abandoned', () => process.exit())
  await warmUp(warmUpSocket(channel.path))
  channel.on('message', (message: ToProcess) => {
    if (message.type !== 'become') return
    clearInterval(alive)
    become(channel, message)
  })
  channel.send({ type: 'spare', rss: process.memoryUsage.rss() })
}

function become(channel: ChannelClient, { file, args, cwd, env }: Program): void {
  try {
    process.chdir(cwd)
  } catch {
    process.exit(1) // a process is started instead, which explains itself
  }
  channel.removeAllListeners()
  replaceEnvironment(env)
  process.argv.splice(1, process.argv.length, file, ...args)
  forgetOurselves()
  channel.send({ type: 'became' })
  // Node's own way to run a main file, so that it decides itself what kind of module that is. Not called from here: no
  // frame of ours is to stand in a stack trace.
  setImmediate(Module.runMain.bind(Module, file))
  serve(channel, process.uptime())
}

/** Names are deleted and set one by one: Node hands each on to the C library, and children inherit from there. */
function replaceEnvironment(env: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) delete process.env[name]
  for (const [name, value] of Object.entries(env)) process.env[name] = value
}

function forgetOurselves(): void {
  for (const path of ours) delete require.cache[path]
  delete process.mainModule
}
