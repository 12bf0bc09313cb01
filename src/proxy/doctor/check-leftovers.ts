import { readdirSync, readFileSync } from 'node:fs'
import { channelVariable } from '../../common/channel-client.cts'
import { findRuntimeDirectories } from '../../common/runtime-directory.ts'
import { findStagingLeftovers } from '../releases/staging.ts'
import { leftovers as trashLeftovers } from '../retention/trash.ts'
import { type Finding, Findings } from './finding.ts'
import type { Subject } from './subject.ts'

/** What is left of something that did not end by itself. */
export interface Leftovers {
  /** Folders of deploys that were broken off. */
  readonly staging: readonly string[]
  /** Versions that were removed, and not deleted yet. */
  readonly trash: readonly string[]
  /** Processes of a gateway of this control port. */
  readonly pids: readonly number[]
}

/** Pure. @param isRunning whether the gateway of the control port runs, and so deals with them itself */
export function judgeLeftovers({ staging, trash, pids }: Leftovers, isRunning: boolean): Finding[] {
  const findings = new Findings('leftovers')
  const atStart = 'The next start of the gateway clears it away.'
  for (const path of staging) findings.note(`${path} is left of a deploy that was broken off`, atStart)
  if (!isRunning) for (const path of trash) findings.note(`${path} is left of a version that was removed`, atStart)
  if (!isRunning && pids.length > 0)
    findings.warning(
      `processes of a gateway that does not answer are there: ${pids.join(', ')}`,
      `They end by themselves within 10 seconds of its end. If they stay, it hangs: look at it, and end it (kill ${pids[0]}).`,
    )
  return findings.end('nothing is left over')
}

export async function checkLeftovers({ config: { versionPath }, controlPort, running }: Subject): Promise<Finding[]> {
  const [staging, trash] = await Promise.all([findStagingLeftovers(versionPath), trashLeftovers(versionPath)])
  return judgeLeftovers({ staging, trash, pids: processesOf(controlPort) }, running !== null)
}

/** Linux only: processes whose environment names the channel of this control port. */
function processesOf(controlPort: number): number[] {
  const channels = findRuntimeDirectories(controlPort).map((directory) => `${channelVariable}=${directory}/`)
  return readNames('/proc')
    .filter((name) => /^\d+$/.test(name) && channels.some((channel) => environmentOf(name).includes(channel)))
    .map(Number)
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return '' // gone, or another user's
  }
}
