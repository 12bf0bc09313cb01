import { Command, InvalidArgumentError, Option } from 'commander'

/** What can be set on the command line, with defaults filled in. */
export interface Options {
  readonly port: number
  readonly host: string
  readonly accessKey?: string
  readonly json: boolean
  readonly run?: string
  readonly pidFile?: string
  readonly logFile?: string
  readonly logLevel?: string
  /** Milliseconds; 0: as long as it takes. */
  readonly timeout?: number
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** The options as commander knows them. Prints nothing and never exits: whoever parses with it catches CommanderError. */
export function declareOptions(): Command {
  return new Command('cservice')
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .allowExcessArguments()
    .helpOption(false)
    .addOption(new Option('--port <n>', 'control port').default(11987).argParser(toPort))
    .addOption(new Option('--host <name>', 'host of the control port').default('localhost'))
    .addOption(
      new Option('--access-key <key>', 'opens REST on host:port, or comes in by it; rather set CSERVICE_ACCESS_KEY'),
    )
    .addOption(new Option('--json', 'print exactly one JSON value'))
    .addOption(new Option('--no-json').hideHelp())
    .addOption(new Option('--run <line>', 'the command as one text'))
    .addOption(new Option('--pid-file <path>', 'where a service writes its pid'))
    .addOption(new Option('--log-file <path>', 'where cserviced writes its log (appended)'))
    .addOption(new Option('--log-level <level>', 'how much a service logs').choices(logLevels))
    .addOption(
      new Option('--timeout <ms>', 'how long to wait for the answer; 0 waits for ever').argParser(toMilliseconds),
    )
    .addOption(new Option('-h, --help', 'show this help'))
    .addOption(new Option('-v, --version', 'show the version of this program'))
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
