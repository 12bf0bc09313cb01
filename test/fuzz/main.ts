import { parseArgs } from 'node:util'
import type fc from 'fast-check'
import { type Arena, openArena } from './arena.ts'
import { checkBatch } from './check-batch.ts'
import { checkAgreement, clientCase } from './lanes-agree.ts'
import { checkIsolation, honest, hostileCase } from './nothing-leaks.ts'

/** Cases of a batch, which run at once: most of them wait for a time limit. */
const atOnce = 128
/** How long a failure may be looked at for a smaller one, in milliseconds. */
const shrinkMs = 60_000
/** How long what is in flight may take to be counted down once nobody is there any more, in milliseconds. */
const settleMs = 8_000
const reportMs = 15_000

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, batches: { type: 'string' } },
})
const minutes = Number(values.minutes)
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 0x7fffffff))
const batches = Number(values.batches ?? Number.POSITIVE_INFINITY)
if (!(minutes > 0) || !Number.isSafeInteger(firstSeed) || !(batches > 0)) {
  console.error('npm run fuzz -- [--minutes 1] [--seed <whole number>] [--batches <number>]')
  process.exit(2)
}
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => {
    console.error(`${event} in batch ${counts.batches}, seed ${firstSeed + counts.batches}:`, error)
    process.exit(1)
  })
}

const counts = { batches: 0, cases: 0 }
const began = Date.now()
const endsAt = began + minutes * 60_000
console.log(`fuzzing for ${minutes} min, node ${process.version}, seed ${firstSeed}`)
const arena = await openArena()
let reportedAt = began
while (Date.now() < endsAt && counts.batches < batches) {
  const seed = firstSeed + counts.batches
  await run(clientCase, checkAgreement, seed)
  await run(hostileCase, checkIsolation, seed)
  await settle(arena, seed)
  counts.batches++
  if (Date.now() - reportedAt >= reportMs) report()
}
report()
await arena.close()

/** One batch of cases, all at once; ends the program at the first that fails, after looking for a smaller one. */
async function run<T>(
  arbitrary: fc.Arbitrary<T>,
  check: (arena: Arena, one: T) => Promise<void>,
  seed: number,
): Promise<void> {
  counts.cases += atOnce
  const failure = await checkBatch(arena, { arbitrary, check, seed, count: atOnce, shrinkMs })
  if (failure === null) return
  console.error(failure)
  fail(seed)
}

/** Nobody is there any more: so nothing may be in flight. */
async function settle({ sides }: Arena, seed: number): Promise<void> {
  const until = Date.now() + settleMs
  while (sides.some((side) => side.inFlight() > 0)) {
    if (Date.now() > until) {
      for (const { name, inFlight } of sides) console.error(`${name}: ${inFlight()} requests in flight, and no clients`)
      fail(seed)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function fail(seed: number): never {
  console.error(`again: npm run fuzz -- --batches 1 --seed ${seed}`)
  process.exit(1)
}

function report(): void {
  reportedAt = Date.now()
  const seconds = Math.round((reportedAt - began) / 1_000)
  const requests = arena.sides.map(({ name, workers }) => {
    return `${workers.reduce((sum, worker) => sum + worker.requests, 0)} by ${name}`
  })
  const memory = Math.round(process.memoryUsage.rss() / 1_048_576)
  console.log(
    `${seconds} s: ${counts.cases} cases in ${counts.batches} batches; requests that workers saw: ${requests.join(', ')};`,
    `honest clients: ${honest.answered} answered, ${honest.failed} told that a worker failed; ${memory} MiB`,
  )
}
