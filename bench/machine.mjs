import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { delimiter, join } from 'node:path'

/**
 * Which core does what. With two: the load and the backend on the first, the proxy alone on the last. With more, the backend has
 * its own. Without `taskset`, or with one core, nothing is pinned: every core is null, and ratios mean less.
 */
export function corePlan() {
  const cores = isInstalled('taskset') ? allowedCores() : []
  if (cores.length < 2) return { load: null, backend: null, proxy: null }
  return { load: cores[0], backend: cores.length > 2 ? cores[1] : cores[0], proxy: cores.at(-1) }
}

/** The command line that runs these words on one core. */
export function onCore(core, words) {
  return core === null ? words : ['taskset', '-c', String(core), ...words]
}

/** Moves a process that runs already, with all its threads. */
export function moveToCore(core, pid) {
  if (core !== null) execFileSync('taskset', ['-apc', String(core), String(pid)], { stdio: 'ignore' })
}

/** Whether there is such a program on the PATH, or in the folders of administrators, which not every PATH has. */
export function isInstalled(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => existsSync(join(folder, program)))
}

export function machineFacts() {
  const [cpu] = os.cpus()
  const load = os.loadavg()[0].toFixed(2)
  return `node ${process.version} · ${os.platform()} ${os.arch()} · ${os.availableParallelism()} cores (${cpu?.model.trim() ?? 'unknown'}) · load ${load}`
}

/** Clock ticks a second, the unit of CPU time in /proc. */
export function ticksPerSecond() {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
}

function allowedCores() {
  const [, list] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
  return (list ?? '').split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
