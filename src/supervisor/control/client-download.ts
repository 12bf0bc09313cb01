import type { IncomingMessage } from 'node:http'
import { CserviceError } from '../../common/errors.ts'
import { type GatewayAddress, readAnswer, throughEndpoints } from './client.ts'
import { keyHeader, requestBytes } from './client-request.ts'

const errorLimit = 1024 * 1024

/**
 * Asks a gateway for bytes that a command answers (`ByteAnswer`).
 * @param path with its query: `/pack?version=v7`
 * @throws CserviceError as `sendCommand`; the bytes end with GATEWAY_BROKE_OFF where they are not all of them
 */
export async function receiveBytes(path: string, address: GatewayAddress): Promise<AsyncIterable<Uint8Array>> {
  const res = await throughEndpoints(address, (endpoint) =>
    requestBytes(endpoint, { method: 'GET', path, headers: { 'x-cservice': '1', ...keyHeader(endpoint) } }),
  )
  if (res.statusCode === 200 && res.headers['content-disposition'] !== undefined) return wholly(res)
  const text = await textOf(res)
  readAnswer({ status: res.statusCode ?? 0, text })
  throw new CserviceError('INTERNAL', 'The gateway answered with no bytes', {
    hint: 'Is it of another version than this command? cservice --version',
  })
}

async function* wholly(res: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of res) yield chunk as Buffer
  } catch (cause) {
    throw new CserviceError('GATEWAY_BROKE_OFF', 'The gateway broke off in the middle of its answer', { cause })
  }
}

async function textOf(res: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of res) {
    length += (chunk as Buffer).length
    if (length > errorLimit) break
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
