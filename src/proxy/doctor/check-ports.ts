import { readFileSync } from 'node:fs'
import { CserviceError } from '../../common/errors.ts'
import { ListeningSocket } from '../../supervisor/listening-socket.ts'
import { type Finding, Findings } from './finding.ts'
import { readListeningSockets, type SystemSocket } from './listening-sockets-of-system.ts'
import type { Subject } from './subject.ts'

/** What became of an attempt to listen on the port of a binding. */
export type PortState = 'free' | 'ours' | 'taken' | 'forbidden' | { readonly error: string }

export interface PortRange {
  readonly min: number
  readonly max: number
}

/** Pure. @param where `port 80` or `127.0.0.1:80` */
export function judgePort(where: string, state: PortState, findings: Findings): void {
  if (state === 'taken')
    findings.problem(
      `${where} is taken by another program`,
      `Stop it, or choose another port: ss -ltnp shows who has it.`,
    )
  if (state === 'forbidden')
    findings.problem(
      `this user may not listen on ${where}`,
      'Start as root with --user <name>, grant CAP_NET_BIND_SERVICE, let systemd hand over the socket, or choose a port from 1024 on.',
    )
  if (typeof state === 'object') findings.problem(`${where} cannot be opened: ${state.error}`, 'Correct host and port.')
}

/** Whether outgoing connections of the machine may take ports of workers. Pure. @param reserved what the system never gives away */
export function judgeRange(
  workers: PortRange,
  ephemeral: PortRange,
  reserved: readonly PortRange[],
  findings: Findings,
): void {
  const from = Math.max(workers.min, ephemeral.min)
  const to = Math.min(workers.max, ephemeral.max)
  if (from > to || reserved.some(({ min, max }) => min <= from && to <= max)) return
  findings.warning(
    `versionPorts ${workers.min}-${workers.max} and the ports of outgoing connections (${ephemeral.min}-${ephemeral.max}) overlap: a worker may find its port taken`,
    `Choose versionPorts outside, or reserve them: sysctl net.ipv4.ip_local_reserved_ports=${from}-${to}`,
  )
}

/** Workers that can be reached past the gateway. Pure. */
export function judgeExposure(workers: PortRange, sockets: readonly SystemSocket[], findings: Findings): void {
  const exposed = sockets.filter(({ port, isLoopback }) => !isLoopback && port >= workers.min && port <= workers.max)
  const ports = [...new Set(exposed.map(({ port }) => port))].sort((a, b) => a - b)
  if (ports.length === 0) return
  const shown = `${ports.slice(0, 5).join(', ')}${ports.length > 5 ? ', …' : ''}`
  findings.warning(
    `programs listen on all addresses of this machine on ports of versionPorts (${shown}): whoever reaches them goes past the gateway, with any header`,
    "Have workers listen on loopback, listen(process.env.PROXY_PORT, '127.0.0.1'), or close the ports with a firewall.",
  )
}

/** Ranges as Linux writes them: `32768\t60999`, `8080,9000-9010`. Pure. */
export function parseRanges(text: string): PortRange[] {
  return text
    .trim()
    .split(/,/)
    .flatMap((part) => {
      const [min, max = min] = part.split(/[-\s]+/).map(Number)
      return min && max ? [{ min, max }] : []
    })
}

export async function checkPorts({ config, running }: Subject): Promise<Finding[]> {
  const findings = new Findings('ports')
  for (const { port, host } of config.bindings) {
    const state = running?.ports.includes(port) ? 'ours' : await tryPort(port, host)
    judgePort(host === null ? `port ${port}` : `${host}:${port}`, state, findings)
  }
  const [ephemeral] = parseRanges(readSetting('ip_local_port_range'))
  if (ephemeral)
    judgeRange(config.versionPorts, ephemeral, parseRanges(readSetting('ip_local_reserved_ports')), findings)
  judgeExposure(config.versionPorts, readListeningSockets(), findings)
  const ports = config.bindings.map(({ port }) => port).join(', ')
  return findings.end(`${running === null ? 'free' : 'open or free'}: ${ports}`)
}

async function tryPort(port: number, host: string | null): Promise<PortState> {
  try {
    const socket = await ListeningSocket.open(port, host)
    socket.close()
    return 'free'
  } catch (error) {
    if (!(error instanceof CserviceError)) throw error
    if (error.code === 'PORT_TAKEN') return 'taken'
    return error.code === 'PORT_FORBIDDEN' ? 'forbidden' : { error: error.message }
  }
}

function readSetting(name: string): string {
  try {
    return readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8')
  } catch {
    return ''
  }
}
