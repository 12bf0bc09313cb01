import { CserviceError } from './errors.ts'
import { messageLimit } from './worker-messages.ts'

/**
 * The value as it will arrive on the other side of a channel.
 * @param what for the message: `the result of "flush"`
 * @throws CserviceError BAD_USAGE when it is no JSON or too large for a channel
 */
export function asJson(value: unknown, what: string): unknown {
  if (value === undefined || value === null) return null
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new CserviceError('BAD_USAGE', `${what} is no JSON: ${(error as Error).message.split('\n')[0]}`)
  }
  if (text === undefined) throw new CserviceError('BAD_USAGE', `${what} is no JSON: it is a ${typeof value}`)
  if (text.length > messageLimit)
    throw new CserviceError('BAD_USAGE', `${what} has more than ${messageLimit} characters`)
  return JSON.parse(text)
}

/** An error as it crosses a channel; details that cannot are left out. */
export function errorAsJson(error: CserviceError): ReturnType<CserviceError['toJSON']> {
  const { code, message, hint, details } = error
  try {
    return details === undefined
      ? { code, message, hint }
      : { code, message, hint, details: asJson(details, 'details') }
  } catch {
    return { code, message, hint }
  }
}
