import type { MessageBus, MessageReceiver } from './cservice.ts'

export const messageBus: MessageBus = {
  createMessage: (command, options = {}) => ({ cservice: { ...options, cmd: command } }),
  isValidMessage: (message) => {
    const body = (message as { cservice?: { cmd?: unknown } | null } | null | undefined)?.cservice
    return typeof body === 'object' && body !== null && Boolean(body.cmd)
  },
}

/** A channel that breaks tells it by an event that would end the process if nobody listened; a callback listens. */
export function processSafeSend(receiver: MessageReceiver, message: unknown): Error | undefined {
  try {
    if (typeof receiver.send !== 'function') throw new Error('There is no IPC channel')
    receiver.send(message, () => {})
    return undefined
  } catch (error) {
    return error as Error
  }
}
