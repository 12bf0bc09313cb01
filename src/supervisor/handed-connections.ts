import type { ChildProcess } from 'node:child_process'

/** A connection between the primary, which accepted it, and a worker. */
interface Handle {
  close(): void
}

/**
 * Ends the connections that a worker of `node:cluster` takes into its grave. The primary keeps a connection that it has
 * handed over until the worker says that it has it; when a worker is killed between the two, nobody would ever close
 * it, and its client would wait for ever. Another worker may not have it: the dead one may have read the request.
 *
 * @param child of `cluster.fork`, before it is handed anything
 */
export function closeHandedConnections(child: ChildProcess): void {
  const handed = new Map<unknown, Handle>()
  const send = child.send
  child.send = ((message: unknown, handle?: unknown, ...rest: unknown[]) => {
    const { act, seq } = facts(message)
    if (act === 'newconn' && isHandle(handle)) handed.set(seq, handle)
    return Reflect.apply(send, child, [message, handle, ...rest])
  }) as ChildProcess['send']
  child.on('internalMessage', (message: unknown) => void handed.delete(facts(message).ack))
  const endAll = () => {
    for (const handle of handed.values()) handle.close()
    handed.clear()
  }
  // Between the two, whichever comes first, it can still be handed some.
  child.once('exit', endAll)
  child.once('disconnect', endAll)
}

interface ClusterMessage {
  readonly act?: unknown
  readonly seq?: unknown
  /** The `seq` of the message that is answered. */
  readonly ack?: unknown
}

/** What cluster's own messages say; nothing, for all others. */
function facts(message: unknown): ClusterMessage {
  const isClusters =
    typeof message === 'object' && message !== null && 'cmd' in message && message.cmd === 'NODE_CLUSTER'
  return isClusters ? (message as ClusterMessage) : {}
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'
}
