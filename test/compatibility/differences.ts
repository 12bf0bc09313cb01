import { isDeepStrictEqual } from 'node:util'
import type { FieldDifference } from './compare.ts'

/** Some fields of some steps. */
interface Place {
  readonly step: RegExp
  /** Whole name of the field; all fields, if not given. */
  readonly field?: RegExp
  /** What the field must be: a text that matches, or exactly this. Anything, if not given. */
  readonly old?: unknown
  readonly ours?: unknown
}

/**
 * Every way in which an answer of ours may differ from that of cluster-service 2.1.4. Each id is explained in
 * docs/from-cluster-service.md, and each place must occur in a run: what is no longer different has to go.
 */
export const differences: Readonly<Record<string, readonly Place[]>> = {
  'exit-codes': [
    { step: /^line: (nope|restart GG|nope --json)$/, field: /^code$/, old: 0, ours: 2 },
    { step: /^line: in-process --json$/, field: /^code$/, old: 0, ours: 4 },
    { step: /^line: (answers error|start nope\.js) --json$/, field: /^code$/, old: 0, ours: 1 },
    { step: /^line: health without a service$/, field: /^code$/, old: 0, ours: 3 },
    { step: /^start: no such worker$/, field: /^code$/, old: 0, ours: 1 },
    { step: /^end: shutdown all$/, field: /^code$/, old: 1, ours: 0 },
  ],
  'printed-text': [
    { step: /^line: (health|--run health)$/, field: /^stdout$/, old: /Running remote command: /, ours: 'OK\n' },
    { step: /^line: (nope|restart GG)$/, field: /^stdout$/, old: /Startup failed, exiting/, ours: '' },
    {
      step: /^line: (nope|restart GG)$/,
      field: /^stderr$/,
      old: /^cservice: {2}Error: {2}/,
      ours: /^cservice: (No such|Invalid)/,
    },
  ],
  'json-strings': [
    { step: /^line: (health|--run health) --json$/, field: /^json$/, old: '"OK"', ours: 'OK' },
    { step: /^line: hidden --json$/, field: /^json$/, old: '"hidden"', ours: 'hidden' },
    { step: /^line: answers nothing --json$/, field: /^json$/, old: 'No data', ours: null },
    { step: /^line: --run health --json$/, field: /^stdout$/, old: 2, ours: 1 },
  ],
  'json-errors': [
    { step: /^line: .* --json$/, field: /^json\.statusCode$/, ours: undefined },
    { step: /^line: .* --json$/, field: /^json\.error$/, old: /./ },
    { step: /^line: health without a service$/, field: /^json\.(errno|code|syscall|address|port)$/, ours: undefined },
    { step: /^line: health without a service$/, field: /^json\.error$/, old: undefined },
  ],
  'options-with-values': [
    { step: /^line: health --json true$/, field: /^json$/, old: 'no JSON', ours: 'OK' },
    { step: /^line: health --json true$/, field: /^stdout$/, ours: 1 },
  ],
  'unknown-options': [
    { step: /^line: health --mine 1 --json$/, field: /^code$/, old: 0, ours: 2 },
    { step: /^line: health --mine 1 --json$/, field: /^json/, old: '"OK"' },
  ],
  'several-words': [{ step: /^line: plain a \{"b":1\} --json$/, field: /^json\.args\.[01]$/, old: undefined }],
  'words-that-end-in-js': [
    { step: /^line: start nope\.js --json$/, field: /^json$/, old: 'no JSON' },
    { step: /^line: start nope\.js --json$/, field: /^stdout$/, old: /Attached CLI/, ours: 1 },
  ],
  'control-socket': [
    {
      step: /^line: health --accessKey wrong$/,
      field: /^json$/,
      old: { statusCode: 401, error: 'Not authorized' },
      ours: 'OK',
    },
  ],
  'second-service': [
    { step: /^start: a second one on the port$/, field: /^code$/, old: 0, ours: 1 },
    { step: /^start: a second one on the port$/, field: /^stdout$/, old: /Attached CLI/, ours: '' },
    { step: /^start: a second one on the port$/, field: /^stderr$/, old: '', ours: /already running/ },
  ],
  'immune-workers': [{ step: /^named: restart all$/, field: /^body$/, old: /^2 workers/, ours: /^1 workers/ }],
  daemon: [
    { step: /^daemon: cserviced$/, field: /^stdout$/, old: '', ours: 'a pid' },
    { step: /^daemon: no such worker$/, field: /^code$/, old: 0, ours: 1 },
    { step: /^daemon: no such worker$/, field: /^stderr$/, old: '', ours: /^cserviced: Worker not found: / },
  ],
  signals: [
    { step: /^end: SIGTERM$/, field: /^code$/, old: null, ours: 0 },
    { step: /^end: SIGTERM$/, field: /^signal$/, old: 'SIGTERM', ours: null },
  ],
  'rest-headers': [
    { step: /^(REST|keys)/, field: /^headers\.content-type$/, old: undefined, ours: 'text/plain; charset=utf-8' },
    { step: /^(REST|keys)/, field: /^headers\.content-length$/, old: undefined },
    { step: /^(REST|keys)/, field: /^headers\.transfer-encoding$/, old: 'chunked', ours: undefined },
    { step: /^(REST|keys|allowHttpGet)/, field: /^headers\.cache-control$/, old: undefined, ours: 'no-store' },
    { step: /^(REST|keys|allowHttpGet)/, field: /^headers\.x-content-type-options$/, old: undefined, ours: 'nosniff' },
    { step: /^(REST|keys)/, field: /^headers\.www-authenticate$/, old: undefined, ours: 'Bearer' },
    { step: /^REST/, field: /^headers\.allow$/, old: undefined, ours: 'POST' },
  ],
  'names-of-objects': [
    { step: /^REST .*cmd=constructor/, field: /^status$/, old: 401, ours: 404 },
    { step: /^REST .*cmd=constructor/, field: /^body$/, ours: 'Not found. Try /help' },
  ],
  'cmd-twice': [{ step: /^REST .*cmd=health&cmd=again/ }],
  'no-stack-traces': [
    {
      step: /^REST .*circular/,
      field: /^body(\.error)?$/,
      ours: /^The result is no JSON: Converting circular structure to JSON$/,
    },
    { step: /^REST .*throws/, field: /^body$/, ours: 'thrown' },
  ],
  'results-without-json': [
    { step: /^REST .*function/, field: /^status$/, old: 400, ours: 200 },
    { step: /^REST .*function/, field: /^body$/, ours: 'No data' },
  ],
  'keys-with-rights': [
    { step: /^keys: (KEY|other)$/, field: /^status$/, old: 401, ours: 200 },
    { step: /^keys: (KEY|other)$/, field: /^body$/, old: 'Not authorized', ours: 'OK' },
    { step: /^keys: (KEY|other)$/, field: /^headers\.content-type$/, old: undefined, ours: /json/ },
    { step: /^keys: KEY;/, field: /^status$/, old: 200, ours: 401 },
    { step: /^keys: KEY;/, field: /^body$/, old: 'OK', ours: 'Not authorized' },
    { step: /^keys: KEY;/, field: /^headers\.content-type$/, old: /json/, ours: /plain/ },
  ],
  tokens: [
    { step: /^words: plain \{"a":"\}"\}$/, field: /^body\.args\.[01]$/ },
    { step: /^words: plain "a\\\\b"$/, field: /^body\.args\.0$/, old: 'a\\\\b', ours: 'a\\b' },
    { step: /^words: plain \ta$/, field: /^body\.args\.0$/, old: '\ta', ours: 'a' },
    { step: /^words: plain ("open|\{"a":1)$/, field: /^status$/, old: 200, ours: 400 },
    { step: /^words: plain ("open|\{"a":1)$/, field: /^body$/, ours: /is not closed$/ },
  ],
  'event-of-a-command': [
    {
      step: /^(REST|words|line): .*plain|^REST .*plain/,
      field: /\.keys\.[456]$/,
      old: undefined,
      ours: /^(caller|signal|report)$/,
    },
    { step: /^library: (greet|worker)$/, field: /\.event\.[456]$/, old: undefined, ours: /^(caller|signal|report)$/ },
  ],
  'help-texts': [{ step: /^command: help /, field: /^body\./ }],
  'version-of-the-package': [{ step: /^command: version$/, field: /^body$/, old: '2.1.4' }],
  'uptime-in-info': [{ step: /^(command|none): info$/, field: /^body\.uptime$/, old: undefined }],
  'worker-state': [
    { step: /^command: workers/, field: /^body\.workers\.\d+\.state$/, old: 'listening', ours: 'ready' },
  ],
  'worker-cwd': [
    { step: /^command: workers/, field: /^body\.workers\.\d+\.cwd$/, ours: '<folder>/elsewhere' },
    { step: /^worker$/, field: /^cwd$/, old: '<folder>', ours: '<folder>/elsewhere' },
  ],
  'worker-names': [
    { step: /^command: workers/, field: /^body\.workers\.\d+\.name$/, old: undefined, ours: 'web' },
    { step: /^command: workers/, field: /^body\.workers\.\d+\.port$/, old: undefined, ours: null },
  ],
  'workers-details': [
    { step: /^command: workers details$/, field: /^body\.workers\.\d+\.(process\..*|cservice|processDetails)$/ },
    {
      step: /^command: workers details$/,
      field: /^body\.workers\.\d+\.(worker|kind|reason|listensOn|startedAt|readyAt|eventLoopDelay)$/,
      old: undefined,
    },
  ],
  'workers-form': [
    { step: /^command: workers nope$/, field: /^status$/, old: 200, ours: 400 },
    { step: /^command: workers nope$/, field: /^body$/, ours: 'workers: "nope" is neither simple nor details' },
  ],
  'proxy-commands': [
    { step: /^command: proxy$/, field: /^body$/, old: /^Proxy command undefined/, ours: /^Proxy command/ },
    { step: /^command: proxy info$/, field: /^status$/, old: 200, ours: 400 },
    { step: /^command: proxy info$/, field: /^body$/, ours: 'No proxy is running here' },
  ],
  'locals-and-options': [
    { step: /^command: (locals|options)$/, field: /^status$/, old: 400, ours: 200 },
    { step: /^command: (locals|options)$/, field: /^body\.error$/, old: /circular/, ours: undefined },
    { step: /^command: (locals|options)$/, field: /^body\.(?!error$)/, old: undefined },
  ],
  'strict-options': [
    { step: /^life: start web\.js \{"timeout":"abc"\}$/, field: /^status$/, old: 200, ours: 400 },
    { step: /^life: start web\.js \{"timeout":"abc"\}$/, field: /^body$/, ours: /^timeout: found "abc"/ },
    {
      step: /^life: start web\.js (\{"count":0\}|\[1\]|\{"a b":1\}|\{"cwd":"\.\/nope"\})$/,
      field: /^status$/,
      old: 200,
      ours: 400,
    },
    { step: /^life: start web\.js \{"count":0\}$/, field: /^body$/, ours: /^Option 'count': found 0/ },
    { step: /^life: start web\.js \[1\]$/, field: /^body$/, ours: 'Invalid request. Try help start' },
    { step: /^life: start web\.js \{"a b":1\}$/, field: /^body$/, ours: /^"a b" is neither/ },
    { step: /^life: start web\.js \{"cwd":"\.\/nope"\}$/, field: /^body$/, ours: /^There is no folder/ },
  ],
  'cwd-of-start': [
    {
      step: /^life: start web\.js \.\/elsewhere$/,
      field: /^body$/,
      old: /^0 workers/,
      ours: '1 workers started successfully',
    },
  ],
  'successors-listen': [
    { step: /^life: upgrade <pid> to one/, field: /^status$/, old: 200, ours: 400 },
    { step: /^life: upgrade <pid> to one/, field: /^body$/, old: '1 workers upgraded successfully', ours: 'timed out' },
  ],
  'digits-of-pids': [
    { step: /^life: restart <pid>abc$/, field: /^status$/, old: 200, ours: 400 },
    { step: /^life: restart <pid>abc$/, field: /^body$/, ours: 'Invalid request. Try help restart' },
  ],
  'worker-environment': [
    { step: /^worker$/, field: /^env\.(onStop|cwd|type|restart|count|worker|ready|onReady)$/, ours: undefined },
    { step: /^worker$/, field: /^env\.CSERVICE_WORKER$/, old: undefined, ours: 'web' },
  ],
  'variables-as-json': [
    { step: /^worker$/, field: /^env\.LIST$/, old: '1,2', ours: '[1,2]' },
    { step: /^worker$/, field: /^env\.OBJECT$/, old: '[object Object]', ours: '{"a":1}' },
    { step: /^worker$/, field: /^env\.NONE$/, old: 'null', ours: undefined },
  ],
  'worker-arguments': [
    { step: /^worker$/, field: /^argv\.0$/, old: /bin\/cservice$/, ours: '<folder>/web.js' },
    { step: /^worker$/, field: /^argv\.[123]$/, ours: undefined },
    { step: /^worker$/, field: /^main$/, old: /bin\/cservice$/, ours: '<folder>/web.js' },
  ],
  'reasons-of-events': [{ step: /^library: running$/, field: /\.started\.\d\.1$/, old: 'undefined', ours: 'string' }],
  'members-gone': [
    {
      step: /^library: missingOfProxy$/,
      field: /\.\d$/,
      old: undefined,
      ours: /^(updateProxyWorkers|getProxyWorkers|getVersionWorkers)$/,
    },
    {
      step: /^library: missingOfMessageBus$/,
      field: /\.\d$/,
      old: undefined,
      ours: /^(sendMessage|respondToMessage|processMessage)$/,
    },
    { step: /^library: options$/, field: /^options\.(restartsPerMinute|colors)$/, ours: undefined },
    { step: /^library: locals$/ },
  ],
  'library-errors': [
    { step: /^library: (fails|badRestart|notThere)$/, field: /\.kind$/, old: 'string', ours: 'object' },
    { step: /^library: badLevel$/, field: /\.throws$/, old: 'string', ours: 'object' },
  ],
  'library-promises': [
    { step: /^library: (badDirectories|unknown)$/, field: /\.(throws|message)$/, ours: undefined },
    { step: /^library: (badDirectories|unknown)$/, field: /\.returns$/, old: undefined, ours: 'object' },
    { step: /^library: start$/, field: /\.result$/, old: undefined, ours: null },
    { step: /^library: throws$/, field: /\.throws$/, old: 'object', ours: undefined },
    { step: /^library: throws$/, field: /\.message$/, old: 'thrown', ours: undefined },
    { step: /^library: throws$/, field: /\.returns$/, old: undefined, ours: 'undefined' },
  ],
  'workers-send': [
    { step: /^library: sent$/, field: /\.(throws|message)$/, ours: undefined },
    { step: /^library: sent$/, field: /\.returns$/, old: undefined, ours: 'undefined' },
  ],
  'worker-facts': [
    { step: /^library: running$/, field: /\.cservice\.(onStop|type|ready)$/, ours: undefined },
    { step: /^library: running$/, field: /\.cservice\.(name|reason)$/, old: undefined },
  ],
}

/** Whether a difference is one of this place. */
export function isOf({ step, field, ...expected }: Place, difference: FieldDifference): boolean {
  if (!step.test(difference.step) || (field && !field.test(difference.field))) return false
  return (['old', 'ours'] as const).every((side) => !(side in expected) || isLike(expected[side], difference[side]))
}

function isLike(expected: unknown, value: unknown): boolean {
  return expected instanceof RegExp
    ? typeof value === 'string' && expected.test(value)
    : isDeepStrictEqual(expected, value)
}
