import { Writable } from 'node:stream'
import type { LogDestination } from '../common/log.ts'
import type { Print, StartOptions } from './options.ts'

/** Levels of pino. */
const info = 30
const error = 50

/**
 * Takes the lines of the service's log to the functions that the program has given for them: `log`, `error` and `debug`,
 * each called with the text, and with what else the line says. Errors that nobody takes go to standard error. null where the
 * program has given none of them.
 */
export function logSinks(options: StartOptions): LogDestination | null {
  const isGiven = [options.log, options.error, options.debug].some((sink) => sink !== undefined)
  if (!isGiven) return null
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      pass(String(line), options)
      done()
    },
  })
}

function pass(line: string, options: StartOptions): void {
  const { level, time: _time, msg = '', ...details } = JSON.parse(line) as Record<string, unknown>
  const sink: Print = Number(level) >= error ? options.error : Number(level) >= info ? options.log : options.debug
  if (sink === undefined && Number(level) >= error) process.stderr.write(line)
  if (typeof sink !== 'function') return
  try {
    sink(msg, ...(Object.keys(details).length > 0 ? [details] : []))
  } catch {
    // What goes wrong with a log is nobody's failure.
  }
}
