import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ChannelClient } from '../../dist/common/channel-client.cjs'
import type { FromProcess } from '../../src/common/channel-protocol.ts'
import { silentLog } from '../../src/common/log.ts'
import { ChannelServer } from '../../src/supervisor/channel-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

it('a process says to the next supervisor what that one must know, and nothing else of what it has said before', async () => {
  const path = join(temporaryFolder(), 'channel.sock')
  const first = await listen(path)
  const client = new ChannelClient(path, 'a-1')
  onTestFinished(() => client.close())
  client.send({ type: 'message', body: 'once' })
  client.send({ type: 'message', body: 'has a command', fact: 'register greet' })
  client.send({ type: 'ready' })
  await expect.poll(() => first.heard).toEqual(['message once', 'message has a command', 'ready'])
  await first.server.close()
  const second = await listen(path)
  await expect.poll(() => second.heard, { timeout: 5_000 }).toEqual(['message has a command', 'ready'])
})

async function listen(path: string) {
  const server = await ChannelServer.open(path, silentLog())
  onTestFinished(() => server.close().catch(() => {}))
  const heard: string[] = []
  const onMessage = (message: FromProcess) =>
    void heard.push(message.type === 'message' ? `message ${message.body}` : message.type)
  server.expect('a-1', { onConnected() {}, onMessage, onDisconnected() {} })
  return { server, heard }
}
