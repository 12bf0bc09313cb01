import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTimeOf } from '../../dist/common/channel-client.cjs'
import { AdoptedProcess } from '../../dist/supervisor/adopted-process.js'
import { isAlive } from '../support/processes.ts'

describe('a process that is not our child', () => {
  it('is followed to its end, of which nobody knows how it was', async () => {
    const child = await sleeper()
    const adopted = new AdoptedProcess(wardOf(child), 'v1', null)
    expect(adopted.breach).toBeNull()
    adopted.signal('SIGTERM')
    expect(await adopted.ended).toEqual({ exitCode: null, signal: null })
    expect(adopted.breach).toContain('not known')
  })

  it('has ended at once when its pid is that of another process by now, which gets no signal', async () => {
    const child = await sleeper()
    const adopted = new AdoptedProcess({ ...wardOf(child), startTime: '1' }, 'v1', null)
    adopted.signal('SIGKILL')
    await adopted.ended
    await adopted.cleanUp()
    expect(isAlive(child.pid as number)).toBe(true)
  })

  it('takes what it had started along', async () => {
    const child = spawn('sh', ['-c', 'sleep 600 & echo $!; wait'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = await once(child.stdout, 'data')
    const grandchild = Number(line)
    const adopted = new AdoptedProcess(wardOf(child), 'v1', null)
    process.kill(child.pid as number, 'SIGKILL') // the leader alone
    await adopted.ended
    await adopted.cleanUp()
    await expect.poll(() => isAlive(grandchild)).toBe(false)
  })

  it('is heard by its channel, line by line, with its name', async () => {
    const child = await sleeper()
    const written: string[] = []
    const sink = new Writable({
      write(chunk, _encoding, callback) {
        written.push(String(chunk))
        callback()
      },
    })
    const adopted = new AdoptedProcess(wardOf(child), 'v1', { stdout: sink, stderr: sink })
    adopted.hear('stdout', 'one\ntw')
    adopted.hear('stderr', 'bad\n')
    adopted.hear('stdout', 'o')
    adopted.signal('SIGKILL')
    await adopted.ended
    await adopted.cleanUp()
    expect(written).toEqual([`v1:${child.pid} | one\n`, `v1:${child.pid} | bad\n`, `v1:${child.pid} | two\n`])
    expect(adopted.lastWords).toEqual(['bad'])
  })
})

async function sleeper(): Promise<ChildProcess> {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child
}

function wardOf({ pid }: ChildProcess) {
  return { pid: pid as number, startTime: startTimeOf(pid as number) }
}
