import { createRequire } from 'node:module'
import pino from 'pino'
import { CserviceError } from './errors.ts'

/** What every room logs through. A child logger adds its fields to each line. */
export type Log = pino.Logger

/** Characters that are kept of a log that cannot be written; what comes after them is lost. */
const maxBacklog = 1024 * 1024

/** What a log can be written to in this process. */
export type LogDestination = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly writableLength: number }

const prettyOptions = { ignore: 'pid,hostname,name', translateTime: 'HH:MM:ss', singleLine: true }

/**
 * The log of a process: lines for people on a terminal, JSON elsewhere. A disk that is full or a reader that is gone loses
 * lines, and is never an error of whoever logs.
 * @param options.destination takes the lines as they come, in this process; standard error by default
 */
export function createLog(
  options: { level?: string; pretty?: boolean; name?: string; destination?: LogDestination } = {},
): Log {
  const level = options.level ?? process.env.CSERVICE_LOG_LEVEL ?? 'info'
  const base = options.name === undefined ? null : { name: options.name }
  const isPretty = options.pretty ?? (options.destination ?? process.stderr).isTTY === true
  const destination = options.destination ? writeTo(options.destination, isPretty) : openStandardError(isPretty)
  return pino({ level, base, serializers: { err: describeError } }, destination)
}

function openStandardError(isPretty: boolean): pino.DestinationStream {
  const destination = isPretty
    ? pino.transport({ target: 'pino-pretty', options: { ...prettyOptions, destination: 2 } })
    : pino.destination({ dest: 2, sync: true, maxLength: maxBacklog })
  destination.on('error', () => {})
  return destination
}

/** In this thread, so that a line is out when it has been logged. */
function writeTo(stream: LogDestination, isPretty: boolean): pino.DestinationStream {
  stream.on('error', () => {})
  const toText = isPretty ? loadPretty().prettyFactory(prettyOptions) : (line: string) => line
  return {
    write(line) {
      if (stream.writableLength <= maxBacklog) stream.write(toText(line))
    },
  }
}

/** Only where it is wanted: it takes its time to load. */
function loadPretty(): typeof import('pino-pretty') {
  return createRequire(import.meta.url)('pino-pretty')
}

/** An error of the catalogue says what happened; a stack is for those that are a fault of ours. */
function describeError(error: unknown): unknown {
  if (error instanceof CserviceError && error.code !== 'INTERNAL') return error.toJSON()
  return error instanceof Error ? pino.stdSerializers.err(error) : error
}

/** For tests and for callers that want silence. */
export function silentLog(): Log {
  return pino({ level: 'silent' })
}
