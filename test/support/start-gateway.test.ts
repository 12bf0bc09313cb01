import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { isPortFree } from './free-ports.ts'
import { isAlive } from './processes.ts'
import { cservice, startGateway } from './start-gateway.ts'
import { versionFolder } from './version-folder.ts'

it('starts a gateway that answers requests and commands, and leaves nothing of it behind', async () => {
  const undo: Array<() => void | Promise<void>> = []
  const onFinish = (work: () => void | Promise<void>) => undo.push(work)
  const folder = await versionFolder({ v1: 'http' }, {}, onFinish)
  const gateway = await startGateway(folder, { onFinish })
  expect(await (await gateway.fetch('/hello')).json()).toMatchObject({ version: 'v1', url: '/hello' })
  expect(await gateway.command('proxy', 'info')).toHaveProperty('versions')
  const pids = gateway.processes().map(({ pid }) => pid)
  expect(pids).toContain(gateway.pid)
  for (const work of undo.reverse()) await work()
  expect(pids.filter(isAlive)).toEqual([])
  expect(await isPortFree(folder.port)).toBe(true)
  expect(existsSync(folder.path)).toBe(false)
})

it('says what the gateway printed when it does not start', async () => {
  const folder = await versionFolder({}, { bindings: 'none' })
  await expect(startGateway(folder)).rejects.toThrow(/proxy\.json|bindings/)
})

it('gives back the exit code and what was printed, where no gateway answers', async () => {
  const outcome = await cservice(['proxy', 'info', '--json', '--port', '1'])
  expect(outcome.code).toBe(3)
})
