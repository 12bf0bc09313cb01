// As many requests as a contender answers: with wrk if it is there, else with autocannon. Both run in a process of their own.
import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from '../leftovers.mjs'
import { isInstalled, onCore } from '../machine.mjs'
import { environment } from '../processes.mjs'

const run = promisify(execFile)
const script = fileURLToPath(new URL('wrk.lua', import.meta.url))

export const loadName = isInstalled('wrk') ? 'wrk' : 'autocannon (wrk is not installed)'

/**
 * @param shape `path`, `connections`, `uploadBytes` (0: GET), `isClosing` (a new connection for each request)
 * @returns requests, seconds, bytes received, failures (what was not answered with success), p50 and p99 in milliseconds
 */
export async function runLoad({ port, headers, tls, core }, shape, seconds) {
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}${shape.path}`
  const sent = { ...headers, ...(shape.isClosing ? { connection: 'close' } : {}) }
  const request = { url, headers: Object.entries(sent), shape, seconds, core }
  return isInstalled('wrk') ? runWrk(request) : runAutocannon(request)
}

async function runWrk({ url, headers, shape, seconds, core }) {
  const fields = headers.flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  // wrk takes whole seconds.
  const options = ['-t1', `-c${shape.connections}`, `-d${Math.max(1, Math.round(seconds))}s`, '-s', script]
  const [program, ...words] = onCore(core, ['wrk', ...options, ...fields, url])
  const env = { ...environment(), BENCH_UPLOAD: String(shape.uploadBytes) }
  const { stdout } = await run(program, words, { env })
  const result = JSON.parse(stdout.trim().split('\n').at(-1))
  return {
    requests: result.requests,
    seconds: result.microseconds / 1e6,
    bytes: result.bytes,
    ...failuresOf(result, ['connect', 'read', 'write', 'timeout', 'status']),
    p50: result.p50 / 1_000,
    p99: result.p99 / 1_000,
  }
}

async function runAutocannon({ url, headers, shape, seconds, core }) {
  const program = createRequire(import.meta.url).resolve('autocannon/autocannon.js')
  const fields = headers.flatMap(([name, value]) => ['-H', `${name}=${value}`])
  const folder = temporaryFolder()
  const body = join(folder, 'body')
  writeFileSync(body, 'x'.repeat(shape.uploadBytes))
  const upload = shape.uploadBytes === 0 ? [] : ['-m', 'POST', '-i', body]
  const options = ['--json', '-c', String(shape.connections), '-d', String(seconds), ...fields, ...upload]
  const [file, ...words] = onCore(core, [process.execPath, program, ...options, url])
  const env = { ...environment(), NODE_TLS_REJECT_UNAUTHORIZED: '0' }
  const { stdout } = await run(file, words, { env, maxBuffer: 1e8 }).finally(() => rmSync(folder, { recursive: true }))
  const result = JSON.parse(stdout)
  return {
    requests: result['2xx'],
    seconds: result.duration,
    bytes: result.throughput.total,
    ...failuresOf(result, ['errors', 'timeouts', 'non2xx']),
    p50: result.latency.p50,
    p99: result.latency.p99,
  }
}

/** How many there were, and of what kind. */
function failuresOf(result, kinds) {
  const found = kinds.filter((kind) => result[kind] > 0)
  const failures = found.reduce((sum, kind) => sum + result[kind], 0)
  return failures === 0 ? { failures } : { failures, how: found.map((kind) => `${kind} ${result[kind]}`).join(', ') }
}
