import { fromErrorData } from '../common/errors.ts'
import type { FromLibrary, RegisterMessage } from '../common/worker-messages.ts'
import { isCommandName } from './control/custom-command.ts'

const helpLimit = 8 * 1024
const levels: readonly unknown[] = ['remote', 'local', 'inproc', 'disabled'] satisfies RegisterMessage['level'][]

/** What a worker said, or null when it is nothing that we know. Never trusts a worker: it may run as another user. */
export function readMessage(body: unknown): FromLibrary | null {
  if (!isRecord(body)) return null
  switch (body.type) {
    case 'call':
      return isId(body.id) && typeof body.name === 'string' && Array.isArray(body.args)
        ? { type: 'call', id: body.id, name: body.name, args: body.args }
        : null
    case 'register':
      return readRegistration(body)
    case 'result':
      return isId(body.id) ? { type: 'result', id: body.id, result: body.result ?? null } : null
    case 'failure':
      return isId(body.id) && isRecord(body.error)
        ? { type: 'failure', id: body.id, error: readError(body.error) }
        : null
    default:
      return null
  }
}

function readRegistration({ name, level, isVisible, help }: Record<string, unknown>): RegisterMessage | null {
  const hasLevel = level !== null && level !== undefined
  if (!isCommandName(name) || (hasLevel && !levels.includes(level))) return null
  return {
    type: 'register',
    name,
    level: hasLevel ? (level as RegisterMessage['level']) : null,
    isVisible: isVisible !== false,
    help: JSON.stringify(help ?? null).length > helpLimit ? null : (help ?? null),
  }
}

function readError({ code, message, hint, details }: Record<string, unknown>) {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const given = { code: text(code), message: text(message), hint: text(hint), details }
  return fromErrorData(JSON.parse(JSON.stringify(given))).toJSON() // without what is undefined
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
