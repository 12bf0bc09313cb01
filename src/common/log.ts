import pino from 'pino'
import { CserviceError } from './errors.ts'

/** What every room logs through. A child logger adds its fields to each line. */
export type Log = pino.Logger

/** Characters that are kept of a log that cannot be written; what comes after them is lost. */
const maxBacklog = 1024 * 1024

/**
 * The log of a process: lines for people on a terminal, JSON elsewhere. A disk that is full or a reader that is gone loses
 * lines, and is never an error of whoever logs.
 */
export function createLog(options: { level?: string; pretty?: boolean; name?: string } = {}): Log {
  const level = options.level ?? process.env.CSERVICE_LOG_LEVEL ?? 'info'
  const base = options.name === undefined ? null : { name: options.name }
  const destination =
    (options.pretty ?? process.stderr.isTTY)
      ? pino.transport({
          target: 'pino-pretty',
          options: { destination: 2, ignore: 'pid,hostname,name', translateTime: 'HH:MM:ss', singleLine: true },
        })
      : pino.destination({ dest: 2, sync: true, maxLength: maxBacklog })
  destination.on('error', () => {})
  return pino({ level, base, serializers: { err: describeError } }, destination)
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
