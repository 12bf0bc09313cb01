import { type Readable, Transform } from 'node:stream'
import { type GatewayAddress, sendBytes } from '../../supervisor/control/client.ts'
import { parseDeployWords, toDeployQuery } from './deploy-order.ts'
import { findSource } from './open-source.ts'

const barWidth = 24
const megabyte = 1_000_000

export interface SendReleaseOptions {
  /** What `-` stands for. */
  readonly stdin?: Readable
  /** For the whole answer; 0: as long as it takes. */
  readonly timeoutMs?: number
  readonly onProgress?: (text: string) => void
}

/**
 * `proxy deploy` from outside of the gateway: sends the bytes of a release to it, wherever it is; a folder is packed on the way.
 * @param words behind `proxy deploy`
 * @throws CserviceError BAD_USAGE, and as `sendBytes`
 */
export async function sendRelease(
  words: readonly string[],
  address: GatewayAddress,
  { stdin, timeoutMs, onProgress }: SendReleaseOptions = {},
): Promise<unknown> {
  const order = parseDeployWords(words)
  const { name, size, open } = await findSource(order.source, stdin ?? null)
  const path = `/deploy?${toDeployQuery(order, name)}`
  const watched = onProgress === undefined ? open : () => counted(open(), size, onProgress)
  return await sendBytes({ path, size, open: watched }, address, timeoutMs, onProgress ? { onProgress } : {})
}

function counted(bytes: Readable, size: number | null, onProgress: (text: string) => void): Readable {
  let sent = 0
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length
      onProgress(progressText(sent, size))
      done(null, chunk)
    },
  })
  bytes.on('error', (error) => counter.destroy(error))
  counter.on('close', () => bytes.destroy())
  return bytes.pipe(counter)
}

/** `[######------] 50 % of 12.3 MB sent` */
export function progressText(sent: number, size: number | null): string {
  if (size === null) return `${(sent / megabyte).toFixed(1)} MB sent`
  const share = size === 0 ? 1 : Math.min(1, sent / size)
  const filled = Math.round(share * barWidth)
  const bar = `${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}`
  return `[${bar}] ${Math.floor(share * 100)} % of ${(size / megabyte).toFixed(1)} MB sent`
}
