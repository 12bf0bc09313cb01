// Every benchmark, one after the other: `npm run bench`. Options: --smoke (a few seconds, for CI), --rounds n, and for
// throughput --seconds n and --connections n, for restarts --restarts n and --connections n.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const words = process.argv.slice(2)
const benchmarks = {
  'throughput.mjs': ['--smoke', '--rounds', '--seconds', '--connections'],
  'cold-start.mjs': ['--smoke', '--rounds'],
  'restarts.mjs': ['--smoke', '--restarts', '--connections'],
}

const unknown = words.find((word) => word.startsWith('--') && !Object.values(benchmarks).flat().includes(nameOf(word)))
if (unknown !== undefined) throw new Error(`${unknown}: no such option`)

for (const [file, known] of Object.entries(benchmarks)) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const { status } = spawnSync(process.execPath, [path, ...only(known)], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** The words of the command line that a benchmark understands, with their values. */
function only(known) {
  return words.filter((word, index) => {
    const name = word.startsWith('--') ? word : (words[index - 1] ?? '')
    return known.includes(nameOf(name))
  })
}

function nameOf(word) {
  return word.split('=')[0]
}
