import { readFileSync } from 'node:fs'
import type { ProxyConfig } from '../config/proxy-config.ts'
import { type Finding, Findings } from './finding.ts'
import type { Subject } from './subject.ts'

const mebibyte = 1024 * 1024
/** What a proxy process has open besides connections. */
const ownDescriptors = 100
/** A small Node worker, or a proxy process, with room for a few requests. */
const bytesOfProcess = 80 * mebibyte
/** What Node asks for when it listens. */
const backlog = 511

/** Limits of the machine or the container; null: none, or not told. */
export interface Limits {
  /** Open files of one process: the hard limit, to which Node raises its own. */
  readonly files: number | null
  /** Bytes of all processes together. */
  readonly memory: number | null
  readonly processes: number | null
  /** Connections that wait to be accepted. */
  readonly backlog: number | null
}

/** Pure. */
export function judgeLimits(config: ProxyConfig, limits: Limits): Finding[] {
  const findings = new Findings('limits')
  const { maxConnections } = config
  // Each request takes a connection to the client, and one to a worker.
  const wanted = 2 * maxConnections + ownDescriptors
  if (limits.files !== null && (maxConnections === 0 || limits.files < wanted)) {
    const fits = Math.max(1, Math.floor((limits.files - ownDescriptors) / 2))
    findings.warning(
      `a process may have ${limits.files} open files, enough for ${fits} connections; maxConnections is ${maxConnections === 0 ? 'without a limit' : maxConnections}`,
      `Raise the limit (LimitNOFILE= of systemd, ulimit -n, --ulimit nofile of docker) to ${Math.max(wanted, 65_536)}, or set maxConnections to ${fits}.`,
    )
  }
  const count = processesOf(config)
  const least = count * bytesOfProcess
  if (limits.memory !== null && limits.memory < least)
    findings.warning(
      `all processes together may take ${inMebibytes(limits.memory)}; ${count} of them are to run, which take ${inMebibytes(least)} and more`,
      'Raise the memory limit of the container or unit, or lower workerCount.',
    )
  if (limits.processes !== null && limits.processes < 12 * count)
    // threads count
    findings.warning(
      `${limits.processes} processes and threads are allowed; ${count} processes with about 11 threads each are to run`,
      'Raise TasksMax= of systemd, --pids-limit of docker, or ulimit -u.',
    )
  if (limits.backlog !== null && limits.backlog < backlog)
    findings.note(
      `${limits.backlog} connections may wait to be accepted: a burst beyond that is refused`,
      `sysctl net.core.somaxconn=4096`,
    )
  return findings.end(`${count} processes fit`)
}

export async function checkLimits({ config, running }: Subject): Promise<Finding[]> {
  const [pid] = running?.proxyPids ?? []
  return judgeLimits(config, {
    files: parseLimit(read(`/proc/${pid ?? 'self'}/limits`), 'Max open files'),
    memory: readControlGroup('memory.max'),
    processes: readControlGroup('pids.max'),
    backlog: toNumber(read('/proc/sys/net/core/somaxconn')),
  })
}

/** The hard limit of that name in `/proc/PID/limits`; null: there is none. Pure. */
export function parseLimit(text: string, name: string): number | null {
  const [, , hard] = new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(text) ?? []
  return toNumber(hard ?? '')
}

/** The supervisor, the proxy processes, the workers of the live version, one more version, and what waits in reserve. */
function processesOf({ bindings, workerCount, nonDefaultWorkerCount, warmSpares }: ProxyConfig): number {
  const proxies = bindings.reduce((sum, binding) => sum + binding.workerCount, 0)
  return 1 + proxies + workerCount + nonDefaultWorkerCount + warmSpares
}

/** The smallest value of this group and those above it (cgroup v2). */
function readControlGroup(name: string): number | null {
  const own = /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1]
  if (own === undefined) return null
  const parts = own.split('/').filter((part) => part !== '' && part !== '..')
  const values = Array.from({ length: parts.length + 1 }, (_, depth) =>
    toNumber(read(`/sys/fs/cgroup/${[...parts.slice(0, depth), name].join('/')}`)),
  )
  const given = values.filter((value) => value !== null)
  return given.length === 0 ? null : Math.min(...given)
}

function toNumber(text: string): number | null {
  return /^\d+$/.test(text.trim()) ? Number(text) : null
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function inMebibytes(bytes: number): string {
  return `${Math.floor(bytes / mebibyte)} MiB`
}
