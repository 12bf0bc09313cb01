import { z } from 'zod'
import { explained, flag, seconds, wholeNumber } from '../../common/config/checks.ts'
import { keyHeader } from '../routing/access/preview-traces.ts'
import { versionNamePattern, versionNameRule } from '../versions/version-name.ts'
import { accessKeys } from './access-schema.ts'
import { isAddressRange } from './address-ranges.ts'
import { bindingSchema } from './binding-schema.ts'
import { healthKeys } from './health-schema.ts'
import { releaseKeys } from './release-schema.ts'
import { retentionSchema } from './retention-schema.ts'
import { mirrorSchema, rolloutKeySchema, rolloutSchema } from './rollout-schema.ts'
import { selectionKeys } from './selection-schema.ts'
import { skewKeys } from './skew-schema.ts'

/**
 * The zod schema of proxy.json. The message of every check is the text "what is allowed": load-config.ts puts where and
 * what was found in front of it. The JSON Schema and the reference in docs/ are generated from here (scripts/generate-docs.mjs).
 */

/** Defaults that depend on the machine or on the file's place; those that do not stand in the schema. */
export const computedDefaults: Readonly<Record<string, string>> = {
  versionPath: "the file's folder",
  workerCount: 'the number of cores',
}

/** proxy.json. Keys that are not in it are kept. */
export const configSchema = z.looseObject(
  {
    $schema: explained('a string', (error) => z.string({ error }))
      .optional()
      .describe('Where this schema is found: lets editors complete and check the file.'),
    versionPath: explained('the path of a folder', (error) => z.string({ error }).min(1, { error }))
      .optional()
      .describe('Folder that holds the versions, relative to proxy.json.'),
    defaultVersion: explained(`a version name: ${versionNameRule}`, (error) =>
      z.string({ error }).regex(versionNamePattern, { error }),
    )
      .nullish()
      .describe('The live version: where a request goes that names none. Rewritten by proxy promote.'),
    versionHeader: explained('the name of a request header that is free for it', (error) =>
      z
        .string({ error })
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error })
        .refine((name) => !reservedHeaders.has(name.toLowerCase()), { error }),
    )
      .default('x-version')
      .describe('Request header that names the version, in any case.'),
    ...selectionKeys,
    ...accessKeys,
    servedVersionHeader: flag()
      .default(true)
      .describe('Whether answers say in x-served-version which version served them, and why that one.'),
    workerFilename: explained('a relative path below the folder of the version, without ..', (error) =>
      z.string({ error }).refine(isPathBelow, { error }),
    )
      .default('worker.js')
      .describe(
        'Worker file in the folder of a version. .js, .mjs and .cjs run with Node, and the extension may be left out; anything else must be executable.',
      ),
    workerCount: wholeNumber(1, 1024).optional().describe('Number of workers of the live version.'),
    bindings: z
      .array(bindingSchema, { error: 'a list of bindings' })
      .prefault([{ port: 80, workerCount: 2 }])
      .describe('Where the gateway listens.'),
    versionPorts: explained('"min-max", two ports from 1 to 65535, the lower one first', (error) =>
      z
        .string({ error })
        .regex(/^[0-9]{1,5}-[0-9]{1,5}$/, { error })
        .refine(isPortRange, { error }),
    )
      .default('11000-12000')
      .describe('Ports for the workers of versions (PROXY_PORT), both ends included.'),
    nonDefaultWorkerCount: wholeNumber(1, 1024).default(1).describe('Number of workers of a version that is not live.'),
    nonDefaultWorkerIdleTime: seconds(0)
      .default(3600)
      .describe('After how many seconds without a request in flight a version that is not live is stopped; 0: never.'),
    maxRunningVersions: wholeNumber(2, 10_000)
      .default(20)
      .describe(
        'How many versions may run at once, the live one included; the one that was unused longest makes room. A promote needs two.',
      ),
    ...retentionSchema,
    warmSpares: wholeNumber(0, 64)
      .default(1)
      .describe(
        'How many booted Node processes are kept in reserve, of which one becomes the next worker, of whatever version; 0: none.',
      ),
    warmSpareMemory: wholeNumber(1, 1_048_576, 'of MiB')
      .default(128)
      .describe('How many MiB of memory a warm spare may take; one that takes more is not kept.'),
    startTimeout: seconds(0.1).default(60).describe('How many seconds a worker may take to become ready.'),
    gateTimeout: seconds(0).default(30).describe('How many seconds a request waits for a version that is starting.'),
    gateLimit: wholeNumber(0, 1_000_000)
      .default(1000)
      .describe('How many requests may wait for versions that are starting, in each proxy process.'),
    answerTimeout: seconds(0)
      .default(60)
      .describe('How many seconds a worker may stay silent before its answer begins; 0: for ever.'),
    connectTimeout: seconds(0.01)
      .default(5)
      .describe('How many seconds a worker may take to accept a connection, before another one is tried.'),
    headTimeout: seconds(0.1)
      .default(15)
      .describe(
        'How many seconds a client may take for the head of a request, TLS handshake and PROXY header aside: 408.',
      ),
    bodyTimeout: seconds(0)
      .default(60)
      .describe(
        'How many seconds a client may send nothing of a request body that is not complete: 408, or the end of the answer; 0: for ever.',
      ),
    sendTimeout: seconds(0)
      .default(60)
      .describe(
        'How many seconds a client may take nothing of what is to be sent to it, before its connection is cut; 0: for ever. Over HTTP/2 also how long a client with open streams may say nothing before it is asked whether it is there.',
      ),
    keepAliveTimeout: seconds(0.1)
      .default(75)
      .describe('How many seconds a connection of a client may stay unused between two requests.'),
    upgradeIdleTimeout: seconds(0)
      .default(0)
      .describe('How many seconds an upgraded connection (WebSocket) may be silent both ways; 0: for ever.'),
    maxConnections: wholeNumber(0, 10_000_000)
      .default(20_000)
      .describe(
        'How many connections of clients each proxy process holds at once; a further one is answered 503, or closed where the binding has TLS; 0: any number.',
      ),
    maxRequestsInFlight: wholeNumber(0, 10_000_000)
      .default(0)
      .describe(
        'How many requests for one version each proxy process has in hand at once, those that wait for it to start and upgraded connections among them; a further one is answered 503; 0: any number.',
      ),
    maxHeaderSize: wholeNumber(1_024, 1_048_576, 'of bytes')
      .default(16_384)
      .describe(
        'How many bytes the head of a request may have: else 431, or 414 where the request line alone is too long.',
      ),
    maxBodySize: wholeNumber(0, Number.MAX_SAFE_INTEGER, 'of bytes')
      .default(0)
      .describe('How many bytes the body of a request may have: else 413; 0: any number.'),
    drainTimeout: seconds(0)
      .default(60)
      .describe('How many seconds requests in flight may go on when their worker or the gateway is to stop.'),
    stopTimeout: seconds(0)
      .default(10)
      .describe(
        'How many seconds a worker may take to stop once it has nothing in flight, before SIGTERM, and again before SIGKILL.',
      ),
    ...healthKeys,
    ...skewKeys,
    trustProxy: z
      .array(
        explained('an address, a range such as 10.0.0.0/8, or loopback, linklocal or private', (error) =>
          z.string({ error }).refine(isAddressRange, { error }),
        ),
        { error: 'a list of addresses, ranges such as 10.0.0.0/8, and loopback, linklocal or private' },
      )
      .default([])
      .describe(
        'Addresses and ranges of the proxies in front of the gateway, or loopback, linklocal, private: their X-Forwarded-*, Forwarded and PROXY protocol headers are believed.',
      ),
    accessLog: explained('a file name, or null', (error) => z.string({ error }).min(1, { error }))
      .nullable()
      .default(null)
      .describe('File that one line for each request is appended to, relative to proxy.json; null: none.'),
    rollout: rolloutSchema
      .nullable()
      .default(null)
      .describe('The rollout that is going on, if any. Written by proxy rollout; members below.'),
    rolloutKey: rolloutKeySchema
      .default('address')
      .describe(
        'What tells one client of a rollout from another: `address`, `cookie:<name>` or `header:<name>`. A request without that cookie or header is told by its address.',
      ),
    mirror: mirrorSchema
      .nullable()
      .default(null)
      .describe('Which version gets copies of requests. Written by proxy mirror; members below.'),
    ...releaseKeys,
  },
  { error: 'an object: { … }' },
)

/** What `configSchema` makes of proxy.json. */
export type ParsedConfig = z.output<typeof configSchema>

/** The JSON Schema of proxy.json, as an editor needs it: of what is written, not of what is made of it. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' })
  return { $schema, title: 'proxy.json of cservice', allowComments: true, allowTrailingCommas: true, ...rest }
}

/** Headers that carry the message itself: a version cannot be named in them. */
const reservedHeaders = new Set([
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  keyHeader,
])

function isPathBelow(path: string): boolean {
  if (path === '' || path.startsWith('/') || path.endsWith('/') || path.includes('\\') || path.includes('\0'))
    return false
  return (
    path.split('/').every((segment, index) => segment !== '..' && segment !== '' && (segment !== '.' || index === 0)) &&
    path !== '.'
  )
}

function isPortRange(text: string): boolean {
  const [min = 0, max = 0] = text.split('-').map(Number)
  return min >= 1 && max <= 65535 && min <= max
}
