import semver from 'semver'
import { type Finding, Findings } from './finding.ts'

const needed = '>=20.19'

/** Whether this Node can run the gateway. Pure. */
export function judgeNode(version: string): Finding[] {
  const findings = new Findings('node')
  if (!semver.satisfies(version, needed, { includePrerelease: true }))
    findings.problem(`Node is ${version}; the gateway needs ${needed}`, 'Install a current LTS line of Node.')
  else if (semver.major(version) % 2 === 1)
    findings.warning(`Node ${version} is of a line that gets no long-term support`, 'Use an LTS line (22, 24, …).')
  return findings.end(`Node is ${version}`)
}
