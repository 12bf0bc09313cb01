/** NaN of nothing. */
export function median(numbers) {
  if (numbers.length === 0) return Number.NaN
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The smallest number that so many hundredths of all are not above. */
export function percentile(numbers, hundredths) {
  const sorted = Float64Array.from(numbers).sort()
  return sorted[Math.max(0, Math.ceil((hundredths / 100) * sorted.length) - 1)] ?? Number.NaN
}
