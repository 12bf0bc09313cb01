import { z } from 'zod'
import { explained, flag, hostName, portNumber, text, wholeNumber } from '../common/config/checks.ts'
import { largestCount, longestDelay } from '../supervisor/plain/make-entry.ts'

/**
 * The zod schema of the options of a service. The message of every check is the text "what is allowed". The JSON Schema and
 * the reference in docs/ are generated from here (scripts/generate-docs.mjs). Defaults are filled in by resolve-settings.ts,
 * after the sources have been put together.
 */

/** Defaults, as the reference shows them. */
export const shownDefaults: Readonly<Record<string, string>> = {
  workerCount: 'the number of cores',
  host: '`"localhost"`',
  port: '`11987`',
  cli: '`true` on a terminal, `false` in a program',
  silent: '`false`',
  allowHttpGet: '`false`',
  restartConcurrencyRatio: '`0.33`',
  restartDelayMs: '`100`',
}

/** The same for the options of one worker: most are those of the service. */
export const shownWorkerDefaults: Readonly<Record<string, string>> = {
  worker: '`"./worker.js"`',
  cwd: 'the working directory of the service',
  count: '`workerCount`',
  restart: '`true`',
  ...Object.fromEntries(
    [
      'args',
      'silent',
      'restartOnMemUsage',
      'restartOnUpTime',
      'restartOnUnresponsive',
      'restartDelayMs',
      'workerUid',
      'workerGid',
    ].map((name) => [name, 'that of the service']),
  ),
}

const path = (what: string) => text(`the path of ${what}`)
const count = wholeNumber(1, largestCount)
const args = z
  .array(
    explained('a text', (error) => z.string({ error })),
    { error: 'a list of texts' },
  )
  .nullish()
const account = explained('a name or a number', (error) =>
  z.union([z.string({ error }).min(1, { error }), z.int({ error }).min(0, { error }).max(4_294_967_294, { error })], {
    error,
  }),
).nullish()

/** What a worker may have of its own, where the service has it for all. */
const shared = {
  args: args.describe('Arguments of the workers (`process.argv` from the third on).'),
  silent: flag().nullish().describe('Whether the output of the workers is dropped.'),
  restartOnMemUsage: limit('bytes').describe('Replaces a worker that uses more resident memory, in bytes; 0: never.'),
  restartOnUpTime: limit('seconds').describe('Replaces a worker that has been ready for longer, in seconds; 0: never.'),
  restartOnUnresponsive: explained('a number of seconds from 0, or true', (error) =>
    z.union([z.number({ error }).min(0, { error }), z.boolean({ error })], { error }),
  )
    .nullish()
    .describe('Ends and replaces a worker whose event loop has not turned for so many seconds; true: 30; 0: never.'),
  restartDelayMs: explained(`a number of milliseconds from 0 to ${longestDelay}`, (error) =>
    z.number({ error }).min(0, { error }).max(longestDelay, { error }),
  )
    .nullish()
    .describe('Milliseconds before a worker that exited unasked is started again; doubles with each failure in a row.'),
  workerUid: account.describe('User that the workers run as, by name or number; needs root.'),
  workerGid: account.describe(
    'Group that the workers run as, by name or number; without it, the primary one of `workerUid`.',
  ),
}

const workerAllowed = 'a path, or an object with the options of the worker'

/** One of `workers`. Keys that are not in it become variables of the worker's environment. */
export const workerSchema = z.looseObject(
  {
    worker: path('a file').nullish().describe('File that Node runs; .js, .mjs, .cjs and .ts may be left out.'),
    cwd: path('a folder').nullish().describe('Working directory of its processes.'),
    count: count.nullish().describe('Number of its processes.'),
    restart: flag().nullish().describe('false: only its own pid restarts or upgrades it, not `all`.'),
    ...shared,
  },
  { error: workerAllowed },
)

const workerPath = path('a file, or an object with a worker for each name')

/** The options of a service that can stand in a file. */
export const settingsSchema = z.looseObject(
  {
    $schema: explained('a string', (error) => z.string({ error }))
      .optional()
      .describe('Where this schema is found: lets editors complete and check the file.'),
    workers: explained('the path of a file, or an object with a worker for each name', (error) =>
      z.union(
        [
          workerPath,
          z.record(z.string(), z.union([path('a file'), workerSchema], { error: workerAllowed }), { error }),
        ],
        { error },
      ),
    )
      .nullish()
      .describe('The workers: a path, or an object with a path or options for each name; null: none yet.'),
    workerCount: count.nullish().describe('Number of processes of each worker that has no `count`.'),
    accessKey: explained('a text that is not empty', (error) =>
      z.union([z.string({ error }).min(1, { error }), z.int({ error }).min(0, { error })], { error }),
    )
      .nullish()
      .describe(
        'Opens REST on `host` and `port` for whoever has this key. Several keys with rights: `key1;key2[health,info];key3:disabled`.',
      ),
    host: hostName().nullish().describe('Address that REST listens on.'),
    port: portNumber().nullish().describe('Control port, by which this service is told from others on the machine.'),
    ssl: z
      .record(z.string(), z.unknown(), { error: 'an object with the options of TLS' })
      .nullish()
      .describe('Makes REST speak HTTPS: options of `tls.createServer`; key, cert, pem, pfx and ca may be file names.'),
    allowHttpGet: flag().nullish().describe('Whether REST answers to every method, not to POST alone.'),
    cli: flag().nullish().describe('Whether there is a console on the terminal.'),
    ...shared,
    restartConcurrencyRatio: explained('a number from 0 to 1', (error) =>
      z.number({ error }).min(0, { error }).max(1, { error }),
    )
      .nullish()
      .describe('Share of the workers that a restart or upgrade replaces at a time, beside one.'),
    restartsPerMinute: z
      .unknown()
      .optional()
      .describe('Means nothing and is accepted: it never did anything; crashing workers are started later and later.'),
    commands: explained('the path of a folder, several of them with commas between, or a list of them', (error) =>
      z.union([z.string({ error }).min(1, { error }), z.array(z.string({ error }).min(1, { error }), { error })], {
        error,
      }),
    )
      .nullish()
      .describe('Folders with commands of your own.'),
    master: path('a file')
      .nullish()
      .describe('Module that is loaded into the service when its first workers are ready.'),
    proxy: path('a proxy.json').nullish().describe('A proxy.json, whose proxy is started before the workers.'),
    user: account.describe(
      'User that the service becomes, with all that it starts, once it has opened the ports below 1024 of its proxy.json; by name or number; needs root.',
    ),
    group: account.describe('Group that the service becomes; without it, the primary one of `user`.'),
    worker: path('a file').nullish().describe('Old name of `workers`.'),
  },
  { error: 'an object: { … }' },
)

/** Options of a service that are checked. */
export type CheckedOptions = z.output<typeof settingsSchema>

/** The JSON Schema of such a file, as an editor needs it. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(settingsSchema, { io: 'input' })
  return {
    $schema,
    title: 'Configuration of a service of cservice',
    allowComments: true,
    allowTrailingCommas: true,
    ...rest,
  }
}

function limit(unit: string) {
  return explained(`a number of ${unit} from 0`, (error) =>
    z.union([z.number({ error }).min(0, { error }), z.literal(false, { error })], { error }),
  ).nullish()
}
