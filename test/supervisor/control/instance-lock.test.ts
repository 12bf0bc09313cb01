import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { takeInstanceLock } from '../../../src/supervisor/control/instance-lock.ts'
import { temporaryDirectory } from './resources.ts'

const program = fileURLToPath(new URL('./fixtures/lock-holder.mjs', import.meta.url))

/** A process that takes the lock when it is told to; `said` is what became of it. */
function holder(directory: string): {
  child: ChildProcess
  isUp: Promise<unknown>
  take(): Promise<{ code?: string; wasStale?: boolean }>
} {
  const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    child,
    isUp: once(child, 'message'),
    take: async () => {
      const said = once(child, 'message')
      child.send('take')
      return (await said)[0]
    },
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

test('a second one is refused while the first runs, and gets it when that has given it back', () => {
  const directory = temporaryDirectory()
  const lock = takeInstanceLock(directory)
  expect(lock.wasStale).toBe(false)
  expect(() => takeInstanceLock(directory)).toThrowError(
    expect.objectContaining({ code: 'ALREADY_RUNNING', message: expect.stringContaining(String(process.pid)) }),
  )
  lock.release()
  expect(readdirSync(directory)).toEqual([])
  expect(takeInstanceLock(directory).wasStale).toBe(false)
})

test('the lock of a process that was killed is stale', async () => {
  const directory = temporaryDirectory()
  const first = holder(directory)
  await first.isUp
  expect(await first.take()).toEqual({ wasStale: false })
  expect(() => takeInstanceLock(directory)).toThrowError(expect.objectContaining({ code: 'ALREADY_RUNNING' }))
  await kill(first.child)
  const lock = takeInstanceLock(directory)
  expect(lock.wasStale).toBe(true)
  lock.release()
  expect(readdirSync(directory)).toEqual([])
})

test('a pid that was given to another process does not hold a lock', () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'lock.4'), JSON.stringify({ pid: process.pid, startTime: '1' }))
  expect(takeInstanceLock(directory).wasStale).toBe(true)
})

test('a lock that is no JSON is stale', () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'lock.1'), '')
  expect(takeInstanceLock(directory).wasStale).toBe(true)
})

test('of many that find a stale lock at the same moment one gets it', async () => {
  const directory = temporaryDirectory()
  const holders = Array.from({ length: 6 }, () => holder(directory))
  await Promise.all(holders.map((each) => each.isUp))
  for (let round = 0; round < 10; round++) {
    writeFileSync(join(directory, `lock.${1000 * (round + 1)}`), JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' }))
    const said = await Promise.all(holders.map((each) => each.take()))
    expect(said.filter((answer) => answer.code === undefined)).toHaveLength(1)
    expect(said.filter((answer) => answer.code === 'ALREADY_RUNNING')).toHaveLength(5)
  }
}, 30_000)
