import http from 'node:http'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { CserviceError, fromErrorData } from '../../common/errors.ts'
import { controlSocketName, isPrivateDirectory, runtimeDirectoryCandidates } from '../../common/runtime-directory.ts'

/** Where a gateway is, as the command line names it. */
export interface GatewayAddress {
  readonly port: number
  readonly host: string
  readonly accessKey?: string
}

type Endpoint = { readonly socketPath: string } | { readonly host: string; readonly port: number }

interface Answer {
  readonly status: number
  readonly text: string
}

const recognitionMs = 3_000
const keepAliveMs = 15_000
const answerLimit = 64 * 1024 * 1024
/** What a connection attempt says when nobody listens there. */
const nobodyCodes = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'ENOTDIR',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
])

/**
 * Has the gateway run a command line, and returns its answer. Tries the control socket of this user first, if the host is
 * this machine, then REST, which gets the key only when it has said that it is a gateway of this port.
 * @param timeoutMs for the whole answer; 0: as long as it takes
 * @throws CserviceError NO_GATEWAY, NOT_AUTHORISED, TIMED_OUT, GATEWAY_BROKE_OFF, and whatever the command throws
 */
export async function sendCommand(line: string, address: GatewayAddress, timeoutMs = 0): Promise<unknown> {
  for (const directory of isThisMachine(address.host) ? runtimeDirectoryCandidates(address.port) : []) {
    if (!isPrivateDirectory(directory)) continue
    const answer = await post({ socketPath: join(directory, controlSocketName) }, line, timeoutMs)
    if (answer !== null) return readAnswer(answer)
  }
  const endpoint = { host: address.host, port: address.port }
  await recognise(endpoint)
  if (address.accessKey === undefined) {
    throw new CserviceError('NOT_AUTHORISED', `The gateway on ${address.host}:${address.port} wants an access key`, {
      hint: 'Set CSERVICE_ACCESS_KEY or give --accessKey <key>; the user who started the gateway needs none.',
    })
  }
  const answer = await post(endpoint, line, timeoutMs, address.accessKey)
  if (answer === null) throw noGateway(endpoint)
  return readAnswer(answer)
}

/** @throws CserviceError NO_GATEWAY unless a gateway of this port answers */
async function recognise(endpoint: { host: string; port: number }): Promise<void> {
  let answer: Answer | null
  try {
    answer = await request(endpoint, { method: 'GET', path: '/cservice' }, '', recognitionMs)
  } catch {
    answer = { status: 0, text: '' }
  }
  if (answer === null) throw noGateway(endpoint)
  const identity = parse(answer.text) as { service?: unknown; control?: unknown } | null | undefined
  if (answer.status === 200 && identity?.service === 'cservice' && identity.control === endpoint.port) return
  throw new CserviceError(
    'NO_GATEWAY',
    `What listens on ${endpoint.host}:${endpoint.port} is not a gateway; no key was sent to it`,
    {
      hint: 'Name the --port and --host of the gateway.',
    },
  )
}

async function post(endpoint: Endpoint, line: string, timeoutMs: number, accessKey?: string): Promise<Answer | null> {
  const headers = {
    'x-cservice': '1',
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(line),
    ...(accessKey === undefined
      ? {}
      : { authorization: `Bearer ${Buffer.from(accessKey, 'utf8').toString('latin1')}` }),
  }
  return await request(endpoint, { method: 'POST', path: '/cli?', headers }, line, timeoutMs)
}

/** One request; null when nobody listens there. */
function request(
  endpoint: Endpoint,
  options: http.RequestOptions,
  body: string,
  timeoutMs: number,
): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const req = http.request({
      ...endpoint,
      ...options,
      agent: false,
      ...('socketPath' in endpoint ? { host: 'localhost' } : {}),
    })
    const timer = timeoutMs > 0 ? setTimeout(() => req.destroy(timedOut(timeoutMs)), timeoutMs) : null
    req.setSocketKeepAlive(true, keepAliveMs) // a machine that vanishes ends the wait
    let isConnected = false
    req.on('socket', (socket) =>
      socket.on('connect', () => {
        isConnected = true
      }),
    )
    req.on('error', (error: NodeJS.ErrnoException) => {
      if (!isConnected && nobodyCodes.has(error.code ?? '')) resolve(null)
      else
        reject(
          error instanceof CserviceError ? error : new CserviceError('GATEWAY_BROKE_OFF', undefined, { cause: error }),
        )
    })
    req.on('close', () => timer && clearTimeout(timer))
    req.on('response', (res) => {
      const chunks: Buffer[] = []
      let length = 0
      res.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > answerLimit) req.destroy()
        else chunks.push(chunk)
      })
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }))
      res.on('error', (error) => reject(new CserviceError('GATEWAY_BROKE_OFF', undefined, { cause: error })))
    })
    req.end(Buffer.from(body)) // as text, Node would write the head in UTF-8 together with it
  })
}

function readAnswer({ status, text }: Answer): unknown {
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

function timedOut(timeoutMs: number): CserviceError {
  return new CserviceError('TIMED_OUT', `The gateway did not answer within ${timeoutMs} ms`, {
    hint: 'The command goes on there; cservice proxy info shows what has become of it.',
  })
}

/** Whether a gateway on that host could have its control socket here. */
function isThisMachine(host: string): boolean {
  if (['localhost', '::', '0.0.0.0', hostname()].includes(host) || /^127\./.test(host)) return true
  return (
    isIP(host) !== 0 &&
    Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host))
  )
}
