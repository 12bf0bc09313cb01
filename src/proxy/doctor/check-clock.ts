import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Finding, Findings } from './finding.ts'
import type { Subject } from './subject.ts'

/** This package is not older. */
const released = Date.parse('2025-11-01T00:00:00Z')
const toleranceMs = 60_000

/** A file and when it was last changed, in milliseconds since the epoch. */
export interface DatedFile {
  readonly path: string
  readonly changedAt: number
}

/** Whether the clock can be right: certificates, rollouts and pins of pages go by it. Pure. @param now milliseconds since the epoch */
export function judgeClock(now: number, files: readonly DatedFile[]): Finding[] {
  const findings = new Findings('clock')
  const advice =
    'Set the clock and keep it with NTP (timedatectl set-ntp true): certificates, rollouts and pins of pages go by it.'
  if (now < released)
    findings.problem(`the clock says ${new Date(now).toISOString()}, before this package was made`, advice)
  for (const { path, changedAt } of files.filter((file) => file.changedAt > now + toleranceMs)) {
    const ahead = Math.round((changedAt - now) / 1_000)
    findings.warning(`${path} was changed ${ahead} s in the future: the clock was, or is, wrong`, advice)
  }
  return findings.end(`the clock says ${new Date(now).toISOString()}`)
}

export async function checkClock({ config: { file } }: Subject): Promise<Finding[]> {
  const paths = [file, join(dirname(file), '.cservice', 'journal.jsonl')]
  const dated = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => [{ path, changedAt: mtimeMs }],
        () => [],
      ),
    ),
  )
  return judgeClock(Date.now(), dated.flat())
}
