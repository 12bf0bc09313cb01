import { corePlan } from './machine.mjs'
import { coreMicroseconds, cpuMicroseconds } from './processes.mjs'
import { median } from './statistics.mjs'

/**
 * Measures every contender once a round, so that a noisy machine disturbs all of them alike. The first one changes from round to round.
 * @param measure answers an object of numbers for a contender; `requests` and `seconds` become requests a second and,
 *   with the contender's pids, CPU time a request; `failures` above 0 are an error: a figure with errors in it is none.
 *   Who fails once has no figures in this comparison and no more turns; the others go on
 * @param warmUp the same, for nobody to see; null: they are warm
 * @param isSmoke whether the figures do not matter
 * @returns `Samples`
 */
export async function compare({ contenders, rounds, measure, warmUp = measure, isSmoke = false }) {
  const samples = new Samples(contenders)
  const isInIt = ({ id }) => samples.failureOf(id) === null
  for (const contender of warmUp === null || isSmoke ? [] : contenders.filter(isInIt)) {
    await take(samples, contender, warmUp, () => {})
  }
  for (let round = 0; round < rounds; round += 1) {
    const order = [...contenders.slice(round % contenders.length), ...contenders.slice(0, round % contenders.length)]
    for (const contender of order.filter(isInIt)) {
      await take(samples, contender, measure, (sample) => samples.add(contender, sample))
    }
  }
  return samples
}

/** What was measured of some contenders, round by round. */
export class Samples {
  #contenders
  #rounds = new Map()
  #failures = new Map()

  /** @param contenders one that has a `failure` already (it did not start) is among the failed ones from the start */
  constructor(contenders) {
    this.#contenders = contenders
    for (const contender of contenders) if (contender.failure) this.fail(contender, contender.failure)
  }

  get contenders() {
    return this.#contenders
  }

  add({ id }, sample) {
    this.#rounds.set(id, [...(this.#rounds.get(id) ?? []), sample])
  }

  /** What was measured of it before does not count: its figures would be those of its good moments. */
  fail({ id }, what) {
    this.#rounds.delete(id)
    this.#failures.set(id, what)
  }

  /** In what it failed; null: in nothing. */
  failureOf(id) {
    return this.#failures.get(id) ?? null
  }

  /** The contenders that failed, each with `what`. */
  get failures() {
    return this.#contenders
      .filter(({ id }) => this.#failures.has(id))
      .map(({ id, name, isPeer = false }) => ({ name, isPeer, what: this.#failures.get(id) }))
  }

  /** What was measured of it in the last round. */
  last({ id }) {
    return this.#rounds.get(id).at(-1)
  }

  has(id) {
    return this.#rounds.has(id)
  }

  /** The median over the rounds; NaN if the contender was not there. */
  value(id, metric) {
    return median((this.#rounds.get(id) ?? []).map((sample) => sample[metric]))
  }

  /** The share of the proxies' core that went to others, who had no business there: the median over everything. */
  get disturbance() {
    const shares = [...this.#rounds.values()].flat().map(({ others }) => others)
    return median(shares.filter(Number.isFinite))
  }

  /** The median of the ratios of each round: what disturbed a round disturbed both. */
  ratio(id, base, metric) {
    const bases = this.#rounds.get(base) ?? []
    return median((this.#rounds.get(id) ?? []).map((sample, round) => sample[metric] / bases[round]?.[metric]))
  }
}

async function take(samples, contender, measure, use) {
  try {
    use(await measured(contender, measure))
  } catch (error) {
    samples.fail(contender, error.message)
  }
}

async function measured(contender, measure) {
  const pids = contender.pids()
  const { proxy } = corePlan()
  const [started, before, coreBefore] = [performance.now(), cpuMicroseconds(pids), coreMicroseconds(proxy)]
  const sample = await measure(contender)
  const elapsed = (performance.now() - started) * 1_000
  const cpu = cpuMicroseconds(pids) - before
  const others = (coreMicroseconds(proxy) - coreBefore - (contender.id === 'direct' ? 0 : cpu)) / elapsed
  if (sample.failures > 0) {
    throw new Error(`${sample.failures} requests failed (${sample.how ?? 'unanswered'}): nothing to compare`)
  }
  if (sample.requests === 0) throw new Error('no request was answered')
  if (sample.requests === undefined) return sample
  return { ...sample, rate: sample.requests / sample.seconds, cpu: cpu / sample.requests, others }
}
