/**
 * The tests that the guard of a rollout decides by, all of them one-sided and exact: right for any number of requests, where
 * those that go by a normal distribution are wrong exactly where it matters, with few bad requests. Each answers how likely
 * it is that a candidate which is no worse does at least as badly as this by chance. All pure.
 */

/** That of `trials` at least `hits` hit, where each does with `probability`: the binomial test. */
export function binomialTail(hits: number, trials: number, probability: number): number {
  if (hits <= 0) return 1
  if (hits > trials || probability <= 0) return 0
  if (probability >= 1) return 1
  const logHit = Math.log(probability)
  const logMiss = Math.log1p(-probability)
  return sumTail(hits, trials, (count) => logChoose(trials, count) + count * logHit + (trials - count) * logMiss)
}

/**
 * That at least `hits` of all the hits of two samples fall to the first, whose rate is at most `ratio` times that of the
 * second: the conditional test of two rates of rare events (Przyborowski and Wilenski, Biometrika 31, 1940). For events that are
 * not rare it errs on the side of the candidate.
 */
export function ratioTail(first: Sample, second: Sample, ratio: number): number {
  const weight = ratio * first.size
  return binomialTail(first.hits, first.hits + second.hits, weight / (weight + second.size))
}

/** So many of so many. */
export interface Sample {
  readonly hits: number
  readonly size: number
}

/**
 * That at least `exceedances` of `size` values exceed the value of rank `rank` (1: the least) among `otherSize` others of the same
 * distribution, whatever that is: the distribution of exceedances (Gumbel and von Schelling, Annals of Mathematical Statistics 21,
 * 1950). That the others' quantile is itself no more than an estimate is part of it.
 */
export function exceedanceTail(exceedances: number, size: number, rank: number, otherSize: number): number {
  if (exceedances <= 0) return 1
  if (exceedances > size) return 0
  const all = logChoose(size + otherSize, size)
  // The others above that rank, and the exceedances, in any order; below it likewise.
  return sumTail(
    exceedances,
    size,
    (count) => logChoose(otherSize - rank + count, count) + logChoose(rank - 1 + size - count, size - count) - all,
  )
}

/** The sum of a distribution of one peak from `from` to `to`, given the logarithm of each part. */
function sumTail(from: number, to: number, logPart: (count: number) => number): number {
  let sum = 0
  let former = Number.NEGATIVE_INFINITY
  for (let count = from; count <= to; count++) {
    const log = logPart(count)
    const part = Math.exp(log)
    sum += part
    if (log < former && part <= sum * 1e-12) break // past the peak, and nothing to come that counts
    former = log
  }
  return Math.min(1, sum)
}

function logChoose(total: number, chosen: number): number {
  return logFactorial(total) - logFactorial(chosen) - logFactorial(total - chosen)
}

const small: number[] = [0]
for (let number = 1; number < 256; number++) small.push((small[number - 1] as number) + Math.log(number))

/** Exact as far as it is summed, then by the series of Stirling, whose error is below 1e-15 there. */
function logFactorial(number: number): number {
  const exact = small[number]
  if (exact !== undefined) return exact
  const square = number * number
  const series = 1 / (12 * number) - 1 / (360 * number * square) + 1 / (1260 * number * square * square)
  return (number + 0.5) * Math.log(number) - number + 0.5 * Math.log(2 * Math.PI) + series
}
