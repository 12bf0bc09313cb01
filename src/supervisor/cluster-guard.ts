import type { ChildProcess } from 'node:child_process'

/**
 * What a worker says to `node:cluster` in this process Node takes on trust: something malformed throws here, where nobody
 * could catch it, and ends the service. And a worker that asks to listen on a descriptor means one of this process: that of
 * REST, for instance, whose clients bring the access key. So a worker is heard only through this.
 *
 * @param isForeign whether it runs as another user, who is not to have what this process has open
 * @param onBreach called with the reason, for people, when the worker broke the rules
 */
export function guardCluster(child: ChildProcess, isForeign: boolean, onBreach: (why: string) => void): void {
  const { emit } = child
  // Node itself hands over what arrives by this event and by no other way.
  child.emit = ((name: string, ...args: unknown[]) => {
    if (name !== 'internalMessage') return Reflect.apply(emit, child, [name, ...args])
    if (isForeign && wantsDescriptor(args[0])) {
      onBreach('it asked to listen on a descriptor of the service')
      return true
    }
    try {
      return Reflect.apply(emit, child, [name, ...args])
    } catch (error) {
      onBreach(`it sent the cluster what makes no sense (${error instanceof Error ? error.message : String(error)})`)
      return true
    }
  }) as typeof child.emit
}

function wantsDescriptor(message: unknown): boolean {
  if (typeof message !== 'object' || message === null || !('fd' in message)) return false
  const { fd } = message
  return fd !== null && fd !== -1
}
