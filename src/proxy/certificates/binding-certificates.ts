import { randomBytes } from 'node:crypto'
import type { Log } from '../../common/log.ts'
import { watchFiles } from '../config/watch-files.ts'
import type { TlsSettings } from '../messages.ts'
import type { CertificateFacts } from './certificate-facts.ts'
import { validityWarning } from './certificate-warnings.ts'
import { type LoadedCertificates, loadCertificates } from './load-certificates.ts'
import { type LocalCertificate, provideLocalCertificate } from './local-certificate.ts'
import { fileNames } from './read-files.ts'

/** How long files must be left alone after a change before they are read, in milliseconds. */
const settleTime = 300
/** A certificate and its key are two files: what does not fit is looked at again after these times, before it is called wrong. */
const retryTimes = [500, 1_500, 3_000]
/** How often session-ticket keys are replaced, dates looked at, and a local certificate is renewed when it is time. */
const roundTime = 12 * 60 * 60 * 1_000

type Options = Readonly<Record<string, unknown>>

export interface BindingCertificatesOptions {
  /** As in proxy.json, file names absolute. */
  readonly tlsOptions: Options
  readonly port: number
  readonly log: Log
}

/** What `proxy info` says of the TLS of a binding. */
export interface TlsDescription {
  readonly certificates: ReadonlyArray<CertificateFacts & { readonly warning: string | null }>
  /** File of the local authority that clients must trust; null: the certificates are not local ones. */
  readonly authority: string | null
  /** Why the files are not in force as they are now; null: they are. */
  readonly error: string | null
}

/**
 * The certificates of one binding, and the keys of its session tickets. Owns them: reads and checks the files, follows them,
 * and keeps the last good ones when new ones are broken.
 */
export class BindingCertificates {
  readonly #options: BindingCertificatesOptions
  #loaded: LoadedCertificates
  #local: LocalCertificate | null
  #settings: TlsSettings
  #error: string | null = null
  #onChange: () => void = () => {}
  #watcher: { close(): Promise<void> } | null = null
  #settling: NodeJS.Timeout | undefined
  #round: NodeJS.Timeout | undefined
  /** Counts the looks, so that one that was overtaken while it read does nothing. */
  #turn = 0
  #isClosed = false

  private constructor(options: BindingCertificatesOptions, { loaded, local }: Found) {
    this.#options = options
    this.#loaded = loaded
    this.#local = local
    this.#settings = withNewTickets(loaded)
  }

  /** @throws TlsProblems, or CserviceError LOCAL_AUTHORITY_FAILED */
  static async load(options: BindingCertificatesOptions): Promise<BindingCertificates> {
    return new BindingCertificates(options, await find(options.tlsOptions))
  }

  /** What the proxy processes are to serve from now on. */
  get settings(): TlsSettings {
    return this.#settings
  }

  describe(now = Date.now()): TlsDescription {
    return {
      certificates: this.#loaded.certificates.map(({ leaf, facts }) => ({
        ...facts,
        warning: validityWarning(leaf, now),
      })),
      authority: this.#local?.authority ?? null,
      error: this.#error,
    }
  }

  /** What an operator should look at, a sentence each. */
  problems(now = Date.now()): string[] {
    const { port } = this.#options
    const { certificates, error } = this.describe(now)
    return [
      ...certificates.flatMap(({ warning, file }) =>
        warning === null ? [] : [`port ${port}: the certificate ${file} ${warning}`],
      ),
      ...(error === null ? [] : [`port ${port}: new certificates were refused: ${error}`]),
    ]
  }

  /** Begins to follow the files, also once more after `close`. @param onChange there are new `settings` */
  async follow(onChange: () => void): Promise<void> {
    this.#onChange = onChange
    this.#isClosed = false
    this.#say()
    this.#round = setInterval(() => void this.#goRound(), roundTime).unref()
    const files = fileNames(this.#options.tlsOptions).map(({ file }) => file)
    const watcher = await watchFiles(files, () => this.#lookSoon(settleTime, 0))
    if (this.#isClosed) return watcher.close()
    this.#watcher = watcher
    this.#lookSoon(settleTime, 0) // a change between the first reading and the watch
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#turn++
    clearTimeout(this.#settling)
    clearInterval(this.#round)
    await this.#watcher?.close()
  }

  #lookSoon(time: number, attempt: number): void {
    if (this.#isClosed) return
    clearTimeout(this.#settling)
    const turn = ++this.#turn
    this.#settling = setTimeout(() => void this.#look(turn, attempt), time).unref()
  }

  async #look(turn: number, attempt: number): Promise<void> {
    const found = await find(this.#options.tlsOptions).catch((error: Error) => error)
    if (this.#isClosed || turn !== this.#turn) return
    if (!(found instanceof Error)) this.#take(found)
    else if (attempt < retryTimes.length) this.#lookSoon(retryTimes[attempt] ?? 0, attempt + 1)
    else this.#refuse(found)
  }

  #take(found: Found): void {
    this.#error = null
    if (found.loaded.digest === this.#loaded.digest) return
    this.#loaded = found.loaded
    this.#local = found.local
    // New ticket keys as well: a session of before would go on with the rules for client certificates of before.
    this.#settings = withNewTickets(found.loaded)
    const { port, log } = this.#options
    log.info({ port, certificates: this.describe().certificates }, `port ${port}: new certificates are in force`)
    this.#say()
    this.#onChange()
  }

  #refuse({ message }: Error): void {
    if (this.#error === message) return
    this.#error = message
    const { port, log } = this.#options
    log.error({ port }, `port ${port}: the new certificates are refused, what was in force stays: ${message}`)
  }

  async #goRound(): Promise<void> {
    this.#settings = withNewTickets(this.#loaded)
    this.#onChange()
    this.#say()
    if (this.#local !== null) this.#lookSoon(0, 0)
  }

  /** What whoever reads the log should know of the certificates in force. */
  #say(): void {
    const { port, log } = this.#options
    const { certificates, warnings } = this.#loaded
    for (const { leaf, facts } of certificates) {
      const warning = validityWarning(leaf, Date.now())
      if (warning !== null) log.warn({ port, ...facts }, `port ${port}: the certificate ${facts.file} ${warning}`)
    }
    for (const warning of warnings) log.warn({ port }, `port ${port}: ${warning}`)
    if (this.#local === null) return
    const { authority, names } = this.#local
    log.info(
      { port, authority, names },
      `port ${port} has a certificate of this user's local authority: trust ${authority} once (docs/tls.md says how), then https://localhost:${port}/ works`,
    )
  }
}

interface Found {
  readonly loaded: LoadedCertificates
  readonly local: LocalCertificate | null
}

async function find(tlsOptions: Options): Promise<Found> {
  if (tlsOptions.local !== true) return { loaded: await loadCertificates(tlsOptions), local: null }
  const names = Array.isArray(tlsOptions.names) ? tlsOptions.names.map(String) : []
  const local = await provideLocalCertificate(names)
  return { loaded: await loadCertificates({ ...tlsOptions, pem: local.pem }), local }
}

function withNewTickets({ tls }: LoadedCertificates): TlsSettings {
  return { ...tls, ticketKeys: randomBytes(48).toString('base64') }
}
