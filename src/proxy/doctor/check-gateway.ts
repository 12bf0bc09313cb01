import { lstatSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  controlSocketName,
  findRuntimeDirectories,
  runtimeDirectoryCandidates,
} from '../../common/runtime-directory.ts'
import { packageVersion } from '../../supervisor/commands/version.ts'
import { type Finding, Findings } from './finding.ts'
import type { RunningGateway, Subject } from './subject.ts'

/** A file or directory of the control socket. */
export interface ControlPath {
  readonly path: string
  readonly mode: number
  /** What it must be at most: 0600 or 0700. */
  readonly allowed: number
}

/** Who else may reach the control socket. Pure. */
export function judgeControlPath({ path, mode, allowed }: ControlPath, findings: Findings): void {
  if ((mode & 0o777 & ~allowed) === 0) return
  const octal = (bits: number) => (bits & 0o777).toString(8).padStart(4, '0')
  findings.problem(
    `${path} is open to others (mode ${octal(mode)}): whoever gets in commands the gateway`,
    `Close it: chmod ${octal(allowed).slice(1)} ${path}`,
  )
}

/** Whether what runs is what is installed and configured. Pure. */
export function judgeRunning(
  { version, configFile, problems }: RunningGateway,
  installed: { readonly version: string; readonly configFile: string },
  findings: Findings,
): void {
  if (version !== installed.version)
    findings.warning(
      `the gateway that runs is ${version}, and ${installed.version} is installed`,
      'Restart it, so that the installed one runs (docs/operations.md).',
    )
  if (configFile !== null && configFile !== installed.configFile)
    findings.note(`the gateway on this control port serves ${configFile}, not ${installed.configFile}`)
  for (const problem of problems)
    findings.problem(problem, 'cservice proxy info and the log of the gateway have the details.')
}

export async function checkGateway({ config, controlPort, running }: Subject): Promise<Finding[]> {
  const findings = new Findings('gateway')
  for (const path of controlPaths(controlPort)) judgeControlPath(path, findings)
  if (running === null) return findings.end(`none runs on control port ${controlPort}`)
  judgeRunning(running, { version: packageVersion(), configFile: config.file }, findings)
  return findings.end(`${running.version} runs on control port ${controlPort}`)
}

function controlPaths(port: number): ControlPath[] {
  const directories = [...new Set([...runtimeDirectoryCandidates(port), ...findRuntimeDirectories(port)])]
  return directories.flatMap((directory) => [
    ...modeOf(dirname(directory), 0o700),
    ...modeOf(directory, 0o700),
    ...modeOf(join(directory, controlSocketName), 0o600),
  ])
}

function modeOf(path: string, allowed: number): ControlPath[] {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats === undefined ? [] : [{ path, mode: stats.mode, allowed }]
}
