import type { X509Certificate } from 'node:crypto'
import { Duplex } from 'node:stream'
import { connect, createSecureContext, TLSSocket } from 'node:tls'

/** How long a handshake with ourselves may take, in milliseconds. */
const handshakeDeadline = 5_000

/**
 * The certificates in a PKCS #12 file, the server's own first. Node gives no way to look inside, so they are asked for in a
 * handshake, in memory.
 * @throws OpenSSL's error if the file cannot be used
 */
export async function readPfx(pfx: Buffer, passphrase: string | null): Promise<X509Certificate[]> {
  const secureContext = createSecureContext({ pfx, ...(passphrase === null ? {} : { passphrase }) })
  const [ours, theirs] = connectedPair()
  const server = new TLSSocket(ours, { isServer: true, secureContext })
  const client = connect({ socket: theirs, rejectUnauthorized: false })
  try {
    await new Promise<void>((resolve, reject) => {
      AbortSignal.timeout(handshakeDeadline).addEventListener('abort', () => reject(new Error('no handshake')))
      server.once('error', reject)
      client.once('error', reject).once('secureConnect', resolve)
    })
    return withIssuers(client.getPeerX509Certificate())
  } finally {
    client.destroy()
    server.destroy()
  }
}

function withIssuers(leaf: X509Certificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = []
  for (let next = leaf; next !== undefined && !chain.includes(next); next = next.issuerCertificate) chain.push(next)
  return chain
}

/** Two ends of a connection: what is written to one can be read from the other. */
function connectedPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [0, 1].map(
    (index) =>
      new Duplex({
        read() {},
        write(chunk, _encoding, done) {
          ends[1 - index]?.push(chunk)
          done()
        },
        final(done) {
          ends[1 - index]?.push(null)
          done()
        },
      }),
  )
  return ends as [Duplex, Duplex]
}
