import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../support/free-ports.ts'
import { makeCertificate, writeCertificate } from '../support/make-certificate.ts'
import type { OnFinish } from '../support/on-finish.ts'
import { type Gateway, startGateway } from '../support/start-gateway.ts'
import { type VersionFolder, versionFolder } from '../support/version-folder.ts'
import { Neighbours } from './neighbours.ts'

/** How many connections a binding takes here: more than the floods of the short form leave open, fewer than those of the long one. */
export const maxConnections = { short: 300, long: 8_000 }

export interface Arena {
  readonly gateway: Gateway
  readonly folder: VersionFolder
  readonly ports: { readonly plain: number; readonly tls: number }
  readonly neighbours: { readonly plain: Neighbours; readonly tls: Neighbours }
  /** A number from 0 to below 1, from the printed seed. */
  random(): number
  accessLog(): string
}

/** A real gateway with one proxy process for each of two bindings, short limits of time, and well-behaved clients at each. */
export async function openArena(form: 'short' | 'long', seed: number, onFinish: OnFinish): Promise<Arena> {
  const [plain = 0, tls = 0] = await freePorts(2)
  const folder = await versionFolder(
    { v1: 'http', v2: 'http' },
    {
      bindings: [
        { port: plain, host: '127.0.0.1', workerCount: 1, http2: true },
        { port: tls, host: '127.0.0.1', workerCount: 1, tlsOptions: { cert: 'a.crt', key: 'a.key' } },
      ],
      headTimeout: 1,
      bodyTimeout: 1,
      sendTimeout: 1,
      maxBodySize: 1_000_000,
      maxConnections: maxConnections[form],
      accessLog: 'access.log',
      warmSpares: 0,
    },
    onFinish,
  )
  writeCertificate(folder.path, 'a', makeCertificate({ names: ['localhost'] }))
  const gateway = await startGateway(folder, { words: ['--accessKey', 'the-right-key'], onFinish })
  return {
    gateway,
    folder,
    ports: { plain, tls },
    neighbours: {
      plain: new Neighbours(`http://127.0.0.1:${plain}`, 8, onFinish),
      tls: new Neighbours(`https://127.0.0.1:${tls}`, 8, onFinish),
    },
    random: randomFrom(seed),
    accessLog: () => readFileSync(join(folder.path, 'access.log'), 'utf8'),
  }
}

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
