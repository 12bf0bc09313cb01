// Every benchmark, or those that are named: `npm run bench -- [suite …] [--smoke] [--only id,…] [--rounds n] [--seconds n]
// [--write]`. bench/README.md says what they measure, and how.
import { nearFreeName } from './backends/near-free.mjs'
import { endOnSignals } from './leftovers.mjs'
import { loadName } from './load/run-load.mjs'
import { corePlan, machineFacts } from './machine.mjs'
import { readOptions } from './options.mjs'
import { installPeers } from './peers/node-peer.mjs'
import { missingPeers } from './stage.mjs'
import { cancelSuite } from './suites/cancel.mjs'
import { catalogSuite } from './suites/catalog.mjs'
import { coldStartSuite } from './suites/cold-start.mjs'
import { http2Suite } from './suites/http2.mjs'
import { idleSuite } from './suites/idle.mjs'
import { latencySuite } from './suites/latency.mjs'
import { peersSuite } from './suites/peers.mjs'
import { restartsSuite } from './suites/restarts.mjs'
import { rollbackSuite } from './suites/rollback.mjs'
import { shapesSuite } from './suites/shapes.mjs'
import { streamsSuite } from './suites/streams.mjs'
import { tlsSuite } from './suites/tls.mjs'
import { table } from './table.mjs'
import { targetRows } from './targets.mjs'
import { writeResults } from './write-results.mjs'

const suites = [
  peersSuite,
  shapesSuite,
  latencySuite,
  idleSuite,
  streamsSuite,
  cancelSuite,
  catalogSuite,
  tlsSuite,
  http2Suite,
  coldStartSuite,
  rollbackSuite,
  restartsSuite,
]

/** With more of the proxies' core than this in other hands, ratios of requests a second say little. */
const busyShare = 0.05
/** The lanes are so far apart that nothing above this is chance. */
const sameLane = 0.7

endOnSignals()
const options = readOptions(suites.map(({ name }) => name))
if (options.installsPeers) installPeers()
else await runSuites()

async function runSuites() {
  const facts = describeRun()
  console.log(`${facts.join('\n')}\n`)
  const all = []
  const settings = []
  for (const suite of suites.filter(({ name }) => options.suites.includes(name))) {
    const chosen = { ...suite.defaults, ...(options.isSmoke ? suite.smoke : {}), isSmoke: options.isSmoke }
    if (options.only !== null) chosen.only = options.only
    for (const name of Object.keys(suite.defaults)) chosen[name] = options.given[name] ?? chosen[name]
    const started = performance.now()
    const results = await suite.run(chosen).catch((error) => {
      console.error(error)
      return [{ key: suite.name, note: `${suite.name}: failed: ${error.message}`, isFailed: true }]
    })
    for (const result of results) console.log(`${shown(result)}\n`)
    all.push(...results)
    const numbers = Object.keys(suite.defaults).map((name) => `${name} ${chosen[name]}`)
    const took = ((performance.now() - started) / 1_000).toFixed(0)
    console.log(`(${suite.name}: ${took} s)\n`)
    settings.push(`${suite.name}: ${numbers.join(', ')}; ${took} s`)
  }
  facts.push(...remarks(all), settings.join(' · '))
  const targets = targetRows(all)
  console.log(`Targets\n\n${table(targets)}\n\n${facts.join('\n')}\n`)
  if (options.isWritten) writeResults({ facts, results: all, targets })
  if (all.some(hasFailed)) process.exitCode = 1
}

/** Whether cservice failed, or the benchmark did. What only peers failed in is theirs: it is in the table, and the run is good. */
function hasFailed({ samples, isFailed = false }) {
  return isFailed || (samples?.failures ?? []).some(({ isPeer }) => !isPeer)
}

/** What a reader must know before the figures are believed. */
function remarks(results) {
  const shares = results.map(({ samples }) => samples?.disturbance ?? Number.NaN).filter(Number.isFinite)
  const worst = Math.max(0, ...shares)
  const measured = `others had ${(worst * 100).toFixed(0)} % of the proxies' core in the worst table`
  const quiet = shares.length === 0 ? "whether others had some of the proxies' core was not measured" : measured
  const lanes = results.find(({ key }) => key === 'peers.near-free')?.samples.ratio('fast', 'general', 'cpu')
  return [
    ...results.flatMap(({ key, samples }) => samples?.failures.map(({ name }) => `failed in ${key}: ${name}`) ?? []),
    ...(options.isSmoke ? ['a smoke run: its figures mean nothing'] : []),
    worst > busyShare ? `NOT a quiet machine: ${quiet}; believe CPU times at most` : quiet,
    ...(lanes > sameLane ? ['the fast lane costs as much as the general lane: is it in use?'] : []),
  ]
}

function shown({ title, rows, note }) {
  return note ?? `${title}\n\n${table(rows)}`
}

function describeRun() {
  const { load, backend, proxy } = corePlan()
  const cores =
    proxy === null
      ? 'nothing is pinned to a core here: ratios mean less'
      : `load on core ${load}, backend on core ${backend}, each proxy in its turn alone on core ${proxy}`
  return [
    machineFacts(),
    `${cores} · load by ${loadName} · near-free backend: ${nearFreeName}`,
    ...missingPeers(options.only).map(({ name, howToInstall }) => `missing: ${name}: ${howToInstall}`),
  ]
}
