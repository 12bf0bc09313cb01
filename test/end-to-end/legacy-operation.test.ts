import { existsSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { isAlive } from '../support/processes.ts'
import { type ServicePlace, servicePlace, startService } from '../support/start-service.ts'
import { accepts } from '../support/start-worker.ts'
import { steeredServer } from '../support/steered-server.ts'

/*
 * What operators could not rely on with cluster-service 2.1.4 (LEGACY 9.4), tried with ours. Not here: pid files, log files
 * and the daemon that says nothing (plain-services.test.ts, test/cli/cserviced.test.ts); circuit breaker, queue, draining and
 * figures of versions (crash-loop.test.ts, cold-start.test.ts, protocols.test.ts, commands.test.ts).
 */

const files = { 'server.js': steeredServer('v1') }

describe('a worker that dies at every boot', () => {
  it('is started later and later, then hardly at all, and health and workers say so until it is well again', {
    timeout: 60_000,
  }, async () => {
    const service = await startService(['server.js', '--workerCount', '1'], { files })
    expect(await service.command('health')).toBe('OK')
    const [first] = await service.untilReady(1)
    service.write('fails', '')
    process.kill(first as number, 'SIGKILL')
    const health = await eventually('an unhealthy service', async () => {
      const outcome = await service.rest('health')
      return 'error' in outcome && outcome
    })
    expect(health).toMatchObject({
      status: 503,
      error: { code: 'UNHEALTHY', message: expect.stringMatching(/0 of 1/) },
    })
    const verdict = await eventually(
      'the verdict',
      async () => {
        const { message } = await service.failure('health')
        return /exit again and again.*exited with code 7/.test(message) && message
      },
      20_000,
    )
    expect(verdict).toMatch(/^main has 0 of 1 workers/)
    expect(await service.command('workers')).toMatchObject({
      workers: [],
      failed: [{ name: 'main', state: 'crash-loop', missing: 1, error: expect.stringMatching(/exited with code 7/) }],
    })
    expect(await service.cservice('health')).toMatchObject({ code: 1, stdout: '' })
    // The old one was at three a second, for ever.
    const boots = bootTimes(service)
    expect(boots).toBeLessThanOrEqual(8)
    await delay(2_000)
    expect(bootTimes(service)).toBe(boots)
    // Commands go on, and what is started anew is well.
    rmSync(service.path('fails'))
    expect(await service.command('start server.js')).toBe('1 workers started successfully')
    expect(await service.ask()).toMatch(/^v1 /)
  })

  it('ends the start with the reason, exit code 1, and nothing left', async () => {
    const place = await servicePlace({ files: { ...files, fails: '' } })
    const started = performance.now()
    expect(await place.cservice('server.js', '--workerCount', '2')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/exited with code 7.*no luck/s),
    })
    expect(performance.now() - started).toBeLessThan(15_000)
    await place.untilGone()
  })
})

it('health of a service tells which of its workers is missing, and OK again when it is back', async () => {
  const service = await startService(['server.js', '--workerCount', '2'], { files })
  const [victim] = await service.untilReady(2)
  service.write('delay', '1500')
  process.kill(victim as number, 'SIGKILL')
  const { message } = await eventually('the truth', async () => {
    const outcome = await service.rest('health')
    return 'error' in outcome && outcome.error
  })
  expect(message).toMatch(/^main has 1 of 2 workers.*ended by SIGKILL/)
  expect(await service.ask()).toMatch(/^v1 /)
  rmSync(service.path('delay'))
  await service.untilReady(2)
  expect(await service.command('health')).toBe('OK')
})

describe('exit codes', () => {
  it('tell success from failure, wrong usage, and nobody there', async () => {
    const service = await startService(['server.js', '--workerCount', '1'], { files })
    const codes = async (...lines: string[]) =>
      await Promise.all(lines.map(async (line) => (await service.cservice(...line.split(' '))).code))
    expect(await codes('health', 'restart all', 'version --json')).toEqual([0, 0, 0])
    expect(await codes('restart 1', 'nope', 'health --prot 1', 'upgrade all nowhere.js')).toEqual([2, 2, 2, 1])
    await service.stop()
    expect(await codes('health', 'restart all --json')).toEqual([3, 3])
  })

  it.each([
    ['shutdown all', 0],
    ['exit now', 0],
  ])('the service that %s ends has exit code %i', async (line, code) => {
    const service = await startService(['server.js', '--workerCount', '2'], { files })
    expect((await service.cservice(...line.split(' '))).code).toBe(0)
    expect(await service.exited()).toEqual({ code, signal: null })
    await service.untilGone()
  })
})

describe('signals', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: nothing new is taken, what is in flight is answered, the exit code is 0, and nothing is left',
    async (signal) => {
      const service = await startService(['server.js', '--workerCount', '2'], { files })
      const slow = [await inFlight(service), await inFlight(service)]
      service.kill(signal)
      await eventually('the end of the listening', async () => !(await accepts(service.port)))
      expect(service.hasExited).toBe(false)
      for (const { answer } of slow) expect(await answer).toMatch(/^v1 \d+$/)
      expect(await service.exited()).toEqual({ code: 0, signal: null })
      await service.untilGone()
    },
  )

  it('a second SIGINT ends everything at once, with exit code 130', async () => {
    const service = await startService(['server.js', '--workerCount', '1'], { files })
    const { answer } = await inFlight(service, 20_000)
    answer.catch(() => {})
    service.kill('SIGINT')
    await eventually('the end of the listening', async () => !(await accepts(service.port)))
    service.kill('SIGINT')
    expect(await service.exited(5_000)).toEqual({ code: 130, signal: null })
    await service.untilGone()
  })

  it('SIGHUP leaves a service without a terminal alone', async () => {
    const service = await startService(['server.js', '--workerCount', '1'], { files })
    const pids = await service.untilReady(1)
    service.kill('SIGHUP')
    expect(await service.command('health')).toBe('OK')
    expect(await service.untilReady(1)).toEqual(pids)
  })

  it('SIGKILL of the service leaves no worker behind for long, and the next one starts at once', async () => {
    const words = ['server.js', '--workerCount', '2']
    const service = await startService(words, { files })
    const pids = await service.untilReady(2)
    service.kill('SIGKILL')
    await service.exited()
    await service.start(words)
    expect(await service.ask()).toMatch(/^v1 /)
    await eventually('the end of the old workers', () => !pids.some(isAlive), 15_000)
    expect((await service.untilReady(2)).filter((pid) => pids.includes(pid))).toEqual([])
  })

  it('SIGTERM while workers boot slowly does not wait for them', async () => {
    const place = await servicePlace({ files: { ...files, delay: '20000' } })
    place.spawn(['server.js', '--workerCount', '2'])
    await eventually('a worker that boots', () => existsSync(place.path('boots')))
    place.kill('SIGTERM')
    expect(await place.exited(10_000)).toEqual({ code: 0, signal: null })
    await place.untilGone()
  })

  it('SIGTERM while restarts are under way and waiting: each is answered, and the exit code is 0', async () => {
    const service = await startService(['server.js', '--workerCount', '2'], { files })
    const answers = Array.from({ length: 10 }, () => service.rest('restart all'))
    await eventually('a restart under way', async () => (await service.workers()).length > 2)
    service.kill('SIGTERM')
    for (const answer of answers) expect((await answer).status).toBeGreaterThanOrEqual(200)
    expect(await service.exited()).toEqual({ code: 0, signal: null })
    await service.untilGone()
  })
})

it('nothing that is no terminal gets colours or other escapes', async () => {
  const service = await startService(['server.js', '--workerCount', '1'], { files, env: { NO_COLOR: '' } })
  const outcomes = await Promise.all(['workers', 'help', 'nope'].map((line) => service.cservice(line)))
  const texts = [service.output, ...outcomes.flatMap(({ stdout, stderr }) => [stdout, stderr])]
  expect(texts.filter((text) => text.includes('\x1b'))).toEqual([])
})

it('timeout 0 waits for a worker that takes longer than any other timeout would let it', async () => {
  const service = await startService(['server.js', '--workerCount', '1'], { files })
  service.write('delay', '1500')
  expect(await service.failure('restart all {"timeout":1}')).toMatchObject({ message: 'timed out' })
  expect(await service.command('restart all {"timeout":0}')).toBe('1 workers restarted successfully')
})

/** A request that has reached its worker. */
async function inFlight(service: ServicePlace, ms = 1_500): Promise<{ answer: Promise<string> }> {
  const before = await requestsOf(service)
  const answer = service.ask(`/slow?ms=${ms}`)
  answer.catch(() => {})
  await eventually('the request in flight', async () => (await requestsOf(service)) > before)
  return { answer }
}

async function requestsOf(service: ServicePlace): Promise<number> {
  const { net } = await service.command<{ net: { requests: number } }>('info')
  return net.requests
}

function bootTimes(service: ServicePlace): number {
  return readFileSync(service.path('boots'), 'utf8').trim().split('\n').length
}
