import { execFileSync } from 'node:child_process'
import os from 'node:os'
import { parseArgs } from 'node:util'

/** `--name n` for each default, and `--smoke`, which takes the small values instead. */
export function readOptions(defaults, smoke) {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' }]))
  const { values } = parseArgs({ options: { ...options, smoke: { type: 'boolean' } } })
  const { smoke: isSmoke, ...given } = values
  const chosen = { ...defaults, ...(isSmoke ? smoke : {}) }
  for (const [name, text] of Object.entries(given)) {
    const number = Number(text)
    if (!(number > 0)) throw new Error(`--${name}: a number above 0, not ${text}`)
    chosen[name] = number
  }
  return chosen
}

export function machineFacts() {
  const [cpu] = os.cpus()
  const load = os.loadavg()[0].toFixed(2)
  return `node ${process.version} · ${os.platform()} ${os.arch()} · ${os.availableParallelism()} cores (${cpu?.model.trim() ?? 'unknown'}) · load ${load}`
}

/** Clock ticks a second, the unit of CPU time in /proc. */
export function ticksPerSecond() {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Rows of cells in columns, the first row as the head. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')
  return [line(rows[0]), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n')
}
