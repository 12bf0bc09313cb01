/**
 * The candidate that a mistyped name most likely means, or null when none is near: at most a third of its letters wrong,
 * where two that changed places count once; or the only one that it abbreviates.
 */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const wanted = name.toLowerCase()
  if (wanted.length === 0 || wanted.length > 64) return null
  const all = [...candidates]
  let best: { candidate: string; distance: number } | null = null
  for (const candidate of all) {
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance <= Math.max(1, Math.floor(wanted.length / 3)) && distance < (best?.distance ?? Infinity)) {
      best = { candidate, distance }
    }
  }
  if (best) return best.candidate
  const abbreviated = all.filter((candidate) => wanted.length > 1 && candidate.toLowerCase().startsWith(wanted))
  return abbreviated.length === 1 ? (abbreviated[0] ?? null) : null
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, at(beforeLast, j - 2) + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
