import { fileURLToPath } from 'node:url'

/**
 * The worker programs of test/fixtures/workers. `http` answers JSON about the request and has paths for the rest:
 * /upload /download?bytes= /stream?chunks=&interval= /events?interval= /trailers /early-hints /die?after= /reset?after=
 * /slow?ms= /status/204. All but `crash`, `never-listens`, `python` and `shell` have those paths as well.
 */
const fixtures = {
  http: 'http.js',
  /** `http`, and echoes WebSockets. */
  websocket: 'websocket.js',
  /** Listens after the milliseconds in the file `delay` of its folder, or in SLOW_LISTEN_MS, or 1000. */
  'slow-listen': 'slow-listen.js',
  'never-listens': 'never-listens.js',
  /** Exits 7 at boot; the last line on stderr is `crash: cannot find the database`. */
  crash: 'crash.js',
  /** `http`, and writes each request line and Host into the file `requests` of its folder. */
  records: 'records.js',
  /** Exits 3 a moment after it listens. */
  'dies-soon': 'dies-soon.js',
  'wrong-port': 'wrong-port.js',
  'ignores-sigterm': 'ignores-sigterm.js',
  /** `workerReady(false)`, then `workerReady()` when the file `ready` appears in its folder. */
  'waits-for-ready': 'waits-for-ready.js',
  /** Writes `stopped-<pid>` into its folder when `onWorkerStop` was called and its requests are finished. */
  'stops-gracefully': 'stops-gracefully.js',
  commonjs: 'common.cjs',
  python: 'python.py',
  /** Serves the files of its own folder. */
  shell: 'shell.sh',
} as const

export type FixtureWorker = keyof typeof fixtures

/** Absolute path of the program. */
export function fixtureWorker(kind: FixtureWorker): string {
  return fileURLToPath(new URL(`../fixtures/workers/${fixtures[kind]}`, import.meta.url))
}
