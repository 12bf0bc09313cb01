import { corePlan } from './machine.mjs'
import { coreMicroseconds, cpuMicroseconds } from './processes.mjs'
import { median } from './statistics.mjs'

/**
 * Measures every contender once a round, so that a noisy machine disturbs all of them alike. The first one changes from round to round.
 * @param measure answers an object of numbers for a contender; `requests` and `seconds` become requests a second and,
 *   with the contender's pids, CPU time a request; `failures` above 0 are an error: a figure with errors in it is none
 * @param warmUp the same, for nobody to see; null: they are warm
 * @param isSmoke whether the figures do not matter
 * @returns `Samples`
 */
export async function compare({ contenders, rounds, measure, warmUp = measure, isSmoke = false }) {
  const samples = new Samples(contenders)
  for (const contender of warmUp === null || isSmoke ? [] : contenders) await measured(contender, warmUp)
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(round + turn) % contenders.length]
      samples.add(contender, await measured(contender, measure))
    }
  }
  return samples
}

/** What was measured of some contenders, round by round. */
export class Samples {
  #contenders
  #rounds = new Map()

  constructor(contenders) {
    this.#contenders = contenders
  }

  get contenders() {
    return this.#contenders
  }

  add({ id }, sample) {
    this.#rounds.set(id, [...(this.#rounds.get(id) ?? []), sample])
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

async function measured(contender, measure) {
  const pids = contender.pids()
  const { proxy } = corePlan()
  const [started, before, coreBefore] = [performance.now(), cpuMicroseconds(pids), coreMicroseconds(proxy)]
  const sample = await measure(contender).catch((cause) => {
    throw new Error(`${contender.name}: ${cause.message}`, { cause })
  })
  const elapsed = (performance.now() - started) * 1_000
  const cpu = cpuMicroseconds(pids) - before
  const others = (coreMicroseconds(proxy) - coreBefore - (contender.id === 'direct' ? 0 : cpu)) / elapsed
  if (sample.failures > 0) {
    throw new Error(
      `${contender.name}: ${sample.failures} requests failed (${sample.how ?? 'unanswered'}): nothing to compare`,
    )
  }
  if (sample.requests === 0) throw new Error(`${contender.name}: no request was answered`)
  if (sample.requests === undefined) return sample
  return { ...sample, rate: sample.requests / sample.seconds, cpu: cpu / sample.requests, others }
}
