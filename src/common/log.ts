import pino from 'pino'

/** What every room logs through. A child logger adds its fields to each line. */
export type Log = pino.Logger

/**
 * The log of a process: lines for people on a terminal, JSON elsewhere.
 */
export function createLog(options: { level?: string; pretty?: boolean; name?: string } = {}): Log {
  const level = options.level ?? process.env.CSERVICE_LOG_LEVEL ?? 'info'
  const base = options.name === undefined ? null : { name: options.name }
  if (options.pretty ?? process.stderr.isTTY) {
    return pino({
      level,
      base,
      transport: {
        target: 'pino-pretty',
        options: { destination: 2, ignore: 'pid,hostname,name', translateTime: 'HH:MM:ss', singleLine: true },
      },
    })
  }
  return pino({ level, base }, pino.destination({ dest: 2, sync: true }))
}

/** For tests and for callers that want silence. */
export function silentLog(): Log {
  return pino({ level: 'silent' })
}
