import { readFileSync } from 'node:fs'

/** A TCP socket that somebody listens on. */
export interface SystemSocket {
  readonly port: number
  /** Whether only this machine can reach it. */
  readonly isLoopback: boolean
}

/** What listens on this machine, as Linux tells; empty elsewhere. */
export function readListeningSockets(): SystemSocket[] {
  return ['tcp', 'tcp6'].flatMap((table) => parseSockets(read(`/proc/net/${table}`)))
}

/** The table of `/proc/net/tcp` or `tcp6` (proc_net_tcp(5)): addresses in hexadecimal, words in the order of the machine. Pure. */
export function parseSockets(table: string): SystemSocket[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/)
      const [address = '', port = ''] = local.split(':')
      return state === '0A' ? [{ port: Number.parseInt(port, 16), isLoopback: isLoopback(address) }] : []
    })
}

/** 127.0.0.0/8 alone or mapped into IPv6, and ::1; both orders of bytes. */
function isLoopback(address: string): boolean {
  const last = address.slice(-8)
  if (address.length === 8 || /^0{16}(FFFF0000|0000FFFF)/.test(address))
    return last.startsWith('7F') || last.endsWith('7F')
  return /^0{24}(01000000|00000001)$/.test(address)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
