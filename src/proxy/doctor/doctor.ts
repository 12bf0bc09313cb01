import { toCserviceError } from '../../common/errors.ts'
import type { GatewayAddress } from '../../supervisor/control/client.ts'
import { type LoadedConfig, loadConfig } from '../config/load-config.ts'
import { checkCertificates } from './check-certificates.ts'
import { checkClock } from './check-clock.ts'
import { checkFolders } from './check-folders.ts'
import { checkGateway } from './check-gateway.ts'
import { checkLeftovers } from './check-leftovers.ts'
import { checkLimits } from './check-limits.ts'
import { judgeNode } from './check-node.ts'
import { checkPorts } from './check-ports.ts'
import { checkVersions } from './check-versions.ts'
import { type Finding, Findings } from './finding.ts'
import type { RunningGateway, Subject } from './subject.ts'

/** By name, in the order in which they are told. */
const checks: Readonly<Record<string, (subject: Subject) => Promise<Finding[]>>> = {
  folders: checkFolders,
  versions: checkVersions,
  ports: checkPorts,
  certificates: checkCertificates,
  limits: checkLimits,
  clock: checkClock,
  leftovers: checkLeftovers,
  gateway: checkGateway,
}

/**
 * Looks at everything that a gateway needs: its configuration, its files, and the machine. Changes nothing.
 * @param running the gateway that answers there; null: none
 */
export async function examine(
  file: string,
  { port }: Pick<GatewayAddress, 'port'>,
  running: RunningGateway | null,
): Promise<Finding[]> {
  const configuration = new Findings('configuration')
  const loaded = await load(file, configuration)
  const findings = [...judgeNode(process.versions.node), ...configuration.end(`${file} is sound`)]
  if (loaded === null) return findings
  const subject: Subject = { config: loaded.config, controlPort: port, running }
  for (const [name, check] of Object.entries(checks)) findings.push(...(await perform(name, check, subject)))
  return findings
}

async function load(file: string, findings: Findings): Promise<LoadedConfig | null> {
  try {
    const loaded = await loadConfig(file)
    for (const { message } of loaded.warnings)
      findings.warning(message, 'Correct or remove it: docs/configuration.md has every key.')
    return loaded
  } catch (thrown) {
    const { message, hint } = toCserviceError(thrown)
    findings.problem(message, hint)
    return null
  }
}

/** A check that fails says so, and leaves the others alone. */
async function perform(
  name: string,
  check: (subject: Subject) => Promise<Finding[]>,
  subject: Subject,
): Promise<Finding[]> {
  try {
    return await check(subject)
  } catch (thrown) {
    const findings = new Findings(name)
    findings.warning(
      `this could not be looked at: ${toCserviceError(thrown).message}`,
      'Run the doctor as the user of the gateway.',
    )
    return findings.end('')
  }
}
