import { randomUUID } from 'node:crypto'
import type http from 'node:http'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { CserviceError, fromErrorData, toCserviceError } from '../../common/errors.ts'
import { controlSocketName, findRuntimeDirectories } from '../../common/runtime-directory.ts'
import { watchCall } from './client-events.ts'
import { type Answer, type Endpoint, keyHeader, request, type SendBody } from './client-request.ts'
import { type ClientTls, readClientTls } from './tls-settings.ts'

/** Where a gateway is, as the command line names it. */
export interface GatewayAddress {
  readonly port: number
  readonly host: string
  readonly accessKey?: string
  /** Its REST speaks TLS. */
  readonly ssl?: ClientTls
}

export interface SendOptions {
  /** Is told how far the command is, as long as that can be learnt. */
  readonly onProgress?: (text: string) => void
}

const recognitionMs = 3_000

/**
 * Has the gateway run a command line, and returns its answer. Tries the control socket of this user first, if the host is
 * this machine, then REST, which gets the key only when it has said that it is a gateway of this port.
 * @param timeoutMs for the whole answer; 0: as long as it takes
 * @throws CserviceError NO_GATEWAY, NOT_AUTHORISED, TIMED_OUT, GATEWAY_BROKE_OFF, TLS_FAILED, CONFIG_INVALID for a `ca` that
 *   cannot be read, and whatever the command throws
 */
export async function sendCommand(
  line: string,
  address: GatewayAddress,
  timeoutMs = 0,
  { onProgress }: SendOptions = {},
): Promise<unknown> {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(line) }
  const options = { method: 'POST', path: '/cli?', headers }
  return await reach(address, (endpoint) => callThere(endpoint, options, line, { timeoutMs, onProgress }))
}

/** Bytes for a command that has a route for them (`ByteRoute`). */
export interface SentBytes {
  /** With its query: `/deploy?as=v7`. */
  readonly path: string
  /** Of the bytes; null: it is not known. */
  readonly size: number | null
  /** Called when the gateway wants them. */
  open(): Readable
}

/**
 * Has the gateway run a command that bytes go with, which are not sent before it has said that it wants them.
 * @throws CserviceError as `sendCommand`; whatever the bytes end with
 */
export async function sendBytes(
  { path, size, open }: SentBytes,
  address: GatewayAddress,
  timeoutMs = 0,
  { onProgress }: SendOptions = {},
): Promise<unknown> {
  const framing = size === null ? { 'transfer-encoding': 'chunked' } : { 'content-length': size }
  const headers = { ...framing, 'content-type': 'application/octet-stream', expect: '100-continue' }
  const options = { method: 'POST', path, headers }
  return await reach(address, (endpoint) =>
    callThere(endpoint, options, sendWhenWanted(open), { timeoutMs, onProgress }),
  )
}

/**
 * Finds the way to a gateway and makes a call on it.
 * @param call null: nobody listens there
 */
async function reach(address: GatewayAddress, call: (endpoint: Endpoint) => Promise<Answer | null>): Promise<unknown> {
  return readAnswer(await throughEndpoints(address, call))
}

/**
 * What `attempt` gets at the first place where a gateway listens: the control socket of this user, if the host is this
 * machine, then REST, which gets the key only when it has said that it is a gateway of this port.
 * @throws CserviceError NO_GATEWAY, NOT_AUTHORISED, TLS_FAILED, CONFIG_INVALID
 */
export async function throughEndpoints<Result>(
  address: GatewayAddress,
  attempt: (endpoint: Endpoint) => Promise<Result | null>,
): Promise<Result> {
  for (const directory of isThisMachine(address.host) ? findRuntimeDirectories(address.port) : []) {
    const result = await attempt({ socketPath: join(directory, controlSocketName) })
    if (result !== null) return result
  }
  const { host, port, accessKey, ssl } = address
  const endpoint = { host, port, tls: ssl === undefined ? null : readClientTls(ssl) }
  await recognise(endpoint)
  if (accessKey === undefined) {
    throw new CserviceError('NOT_AUTHORISED', `The gateway on ${host}:${port} wants an access key`, {
      hint: 'Set CSERVICE_ACCESS_KEY or give --accessKey <key>; the user who started the gateway needs none.',
    })
  }
  const result = await attempt({ ...endpoint, accessKey })
  if (result === null) throw noGateway(endpoint)
  return result
}

/** @throws CserviceError NO_GATEWAY unless a gateway of this port answers, TLS_FAILED if it is not to be trusted */
async function recognise(endpoint: Extract<Endpoint, { port: number }>): Promise<void> {
  let answer: Answer | null
  try {
    answer = await request(endpoint, { method: 'GET', path: '/cservice' }, '', recognitionMs)
  } catch (error) {
    if (error instanceof CserviceError && error.code === 'TLS_FAILED') throw error
    answer = { status: 0, text: '' }
  }
  if (answer === null) throw noGateway(endpoint)
  const identity = parse(answer.text) as { service?: unknown; control?: unknown } | null | undefined
  if (answer.status === 200 && identity?.service === 'cservice' && identity.control === endpoint.port) return
  const { host, port, tls } = endpoint
  throw new CserviceError('NO_GATEWAY', `What listens on ${host}:${port} is not a gateway; no key was sent to it`, {
    hint: `Name the --port and --host of the gateway${tls ? '' : ', and ssl if its REST speaks TLS'}.`,
  })
}

/** Makes a call and follows how far it is; null when nobody listens there. */
async function callThere(
  endpoint: Endpoint,
  options: http.RequestOptions,
  body: string | SendBody,
  { timeoutMs, onProgress }: { timeoutMs: number; onProgress: SendOptions['onProgress'] },
): Promise<Answer | null> {
  const id = randomUUID()
  const watch = onProgress ? await watchCall(endpoint, id, onProgress) : null
  try {
    const headers = { 'x-cservice': '1', 'x-cservice-call': id, ...options.headers, ...keyHeader(endpoint) }
    const answer = await request(endpoint, { ...options, headers }, body, timeoutMs)
    await watch?.finished
    return answer
  } finally {
    watch?.close()
  }
}

function sendWhenWanted(open: () => Readable): SendBody {
  return (req) => {
    req.on('continue', () => {
      const bytes = open()
      // An answer in the middle of it means that no more is wanted.
      req.on('response', () => bytes.destroy())
      req.on('close', () => bytes.destroy())
      bytes.on('error', (error) => req.destroy(toCserviceError(error)))
      bytes.pipe(req)
    })
    req.flushHeaders()
  }
}

/** What a command answered. @throws CserviceError what it failed with; INTERNAL for what is no answer of ours */
export function readAnswer({ status, text }: Answer): unknown {
  const value = parse(text)
  if (typeof value === 'object' && value !== null) {
    if ('result' in value) return value.result
    if ('error' in value && typeof value.error === 'object' && value.error !== null) throw fromErrorData(value.error)
  }
  throw new CserviceError('INTERNAL', `The gateway gave an answer that is not understood (status ${status})`, {
    hint: 'Is it of another version than this command? cservice --version',
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function noGateway({ host, port }: { host: string; port: number }): CserviceError {
  return new CserviceError(
    'NO_GATEWAY',
    `No gateway answers on control port ${port}${isThisMachine(host) ? '' : ` of ${host}`}`,
  )
}

/** Whether a gateway on that host could have its control socket here. */
function isThisMachine(host: string): boolean {
  if (['localhost', '::', '0.0.0.0', hostname()].includes(host) || /^127\./.test(host)) return true
  return (
    isIP(host) !== 0 &&
    Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host))
  )
}
