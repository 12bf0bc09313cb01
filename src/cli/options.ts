import { Command, InvalidArgumentError, Option } from 'commander'
import type { ClientTls } from '../supervisor/control/tls-settings.ts'

/** What the command line itself needs, with defaults filled in. */
export interface Options {
  readonly port: number
  readonly host: string
  readonly accessKey?: string
  /** REST speaks TLS. */
  readonly ssl?: ClientTls
  readonly json: boolean
  readonly run?: string
  readonly pidFile?: string
  readonly logFile?: string
  readonly logLevel?: string
  /** Milliseconds; 0: as long as it takes. */
  readonly timeout?: number
}

/** Options that a service is started with go to `resolveSettings`, by these names and only if they were given. */
export type GivenOptions = Readonly<Record<string, unknown>>

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
const ofTheCommandLine = ['json', 'run', 'pidFile', 'logFile', 'logLevel', 'timeout', 'help', 'version']

/** Those of the options that are for a service. */
export function ofTheService(options: GivenOptions): GivenOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !ofTheCommandLine.includes(name)))
}

/** The options with the address that settings, a configuration file among them, lead to. */
export function withAddress(
  { accessKey: _key, ssl: _ssl, ...options }: Options,
  { port, host, accessKey, ssl }: { port: number; host: string; accessKey: string | null; ssl: ClientTls | null },
): Options {
  return { ...options, port, host, ...(accessKey === null ? {} : { accessKey }), ...(ssl === null ? {} : { ssl }) }
}

/** The options as commander knows them. Prints nothing and never exits: whoever parses with it catches CommanderError. */
export function declareOptions(): Command {
  const program = new Command('cservice')
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .allowExcessArguments()
    .helpOption(false)
  for (const option of [...ownOptions(), ...serviceOptions()]) program.addOption(option)
  return program
}

function ownOptions(): Option[] {
  return [
    new Option('--port <n>', 'control port').argParser(toPort).default(undefined, '11987'),
    new Option('--host <name>', 'host of the control port').default(undefined, 'localhost'),
    new Option('--access-key <key>', 'opens REST on host:port, or comes in by it; rather set CSERVICE_ACCESS_KEY'),
    ...flag('json', 'print exactly one JSON value'),
    new Option('--run <line>', 'the command as one text'),
    new Option('--pid-file <path>', 'where a service writes its pid'),
    new Option('--log-file <path>', 'where cserviced writes its log (appended)'),
    new Option('--log-level <level>', 'how much a service logs').choices(logLevels),
    new Option('--timeout <ms>', 'how long to wait for the answer; 0 waits for ever').argParser(toMilliseconds),
    new Option('-h, --help', 'show this help'),
    new Option('-v, --version', 'show the version of this program'),
  ]
}

function serviceOptions(): Option[] {
  return [
    new Option('--config <file>', 'configuration of a service: JSON with any of the options that follow'),
    new Option('--workers <file>', 'program of the workers'),
    new Option('--worker <file>').hideHelp(),
    new Option('--worker-count <n>', 'processes of each worker').argParser(toNumber).default(undefined, 'the cores'),
    new Option('--proxy <file>', 'a proxy.json, whose proxy is started before the workers'),
    new Option('--master <file>', 'module that is loaded into the service when the first workers are ready'),
    new Option('--commands <folders>', 'folders with commands of your own').argParser(toList),
    ...flag('cli', 'a console on the terminal'),
    ...flag('silent', 'drop the output of the workers'),
    ...flag('allow-http-get', 'let REST answer to every method, not to POST alone'),
    // Written --ssl.<name> <value>; see toSsl.
    new Option('--ssl <name=value>', 'makes REST speak HTTPS: --ssl.key file --ssl.cert file').argParser(toSsl),
    new Option('--restart-on-mem-usage <bytes>', 'replace a worker that uses more memory').argParser(toNumber),
    new Option('--restart-on-up-time <seconds>', 'replace a worker that is older').argParser(toNumber),
    new Option('--restart-on-unresponsive [seconds]', 'replace a worker that hangs (30 seconds)').argParser(toLimit),
    new Option('--restart-concurrency-ratio <n>', 'share of the workers that a restart replaces at a time')
      .argParser(toNumber)
      .default(undefined, '0.33'),
    new Option('--restart-delay-ms <ms>', 'time before a worker that exited is started again')
      .argParser(toNumber)
      .default(undefined, '100'),
    new Option('--restarts-per-minute <n>').argParser(toNumber).hideHelp(),
    new Option('--user <user>', 'user that the service becomes when its ports are open (needs root)'),
    new Option('--group <group>', 'group that it becomes; without it, the primary one of the user'),
    new Option('--worker-uid <user>', 'user that the workers run as (needs root)'),
    new Option('--worker-gid <group>', 'group that the workers run as (needs root)'),
  ]
}

function flag(name: string, description: string): Option[] {
  return [new Option(`--${name}`, description), new Option(`--no-${name}`).hideHelp()]
}

function toPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65535) throw new InvalidArgumentError('It must be a whole number from 1 to 65535.')
  return port
}

function toMilliseconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of milliseconds.')
  return Number(text)
}

/** What it may be is checked with the settings; here only text becomes a number. */
function toNumber(text: string): number {
  if (!/^-?\d+(\.\d+)?(e\d{1,2})?$/i.test(text)) throw new InvalidArgumentError('It must be a number.')
  return Number(text)
}

function toLimit(text: string): number | boolean {
  return text === 'true' || text === 'false' ? text === 'true' : toNumber(text)
}

function toList(text: string, former: readonly string[] = []): string[] {
  return [...former, ...text.split(',')]
}

const textsOfSsl = ['key', 'cert', 'ca', 'pfx', 'pem', 'passphrase']

/** `key=file` next to what came before; a name that comes again makes a list. Numbers are such, but for those that name files. */
function toSsl(text: string, former: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const [name = '', ...rest] = text.split('=')
  if (rest.length === 0)
    throw new InvalidArgumentError('Options of TLS are given one by one: --ssl.key <file> --ssl.cert <file>.')
  const value = rest.join('=')
  const isNumber = !textsOfSsl.includes(name) && /^\d+$/.test(value)
  const given = value === 'true' || value === 'false' ? value === 'true' : isNumber ? Number(value) : value
  if (!Object.hasOwn(former, name)) return { ...former, [name]: given }
  return { ...former, [name]: [former[name], given].flat() }
}
