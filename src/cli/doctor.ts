import { resolve } from 'node:path'
import { CserviceError } from '../common/errors.ts'
import { findPath } from '../common/find-file.ts'
import type { Finding, Severity } from '../proxy/doctor/finding.ts'
import type { Options } from './options.ts'
import type { Output } from './output.ts'
import { style } from './style.ts'

/**
 * `cservice doctor [proxy.json]`: looks at everything that a gateway needs, and says what to do about what it finds. Without
 * a path it is the proxy.json of the gateway that runs, or the one in this folder.
 * @returns the exit code: 1 where there is a problem
 */
export async function runDoctor(words: readonly string[], options: Options, output: Output): Promise<number> {
  const [, path, surplus] = words
  if (surplus !== undefined)
    throw new CserviceError('BAD_USAGE', `doctor takes one path, and not ${surplus} as well`, {
      hint: 'cservice doctor proxy.json',
    })
  const { findRunning } = await import('../proxy/doctor/subject.ts')
  const { examine } = await import('../proxy/doctor/doctor.ts')
  const running = await findRunning(options)
  const file = path === undefined ? (running?.configFile ?? findPath('proxy.json', ['.', 'versions'])) : resolve(path)
  const findings = await examine(file, options, running)
  const isWell = findings.every(({ severity }) => severity !== 'problem')
  output.json({ file, isWell, findings })
  output.text(findings.map(render).join('\n'))
  output.text(summary(findings))
  return isWell ? 0 : 1
}

const marks: Readonly<Record<Severity, string>> = {
  ok: style('green', 'ok     '),
  note: style('dim', 'note   '),
  warning: style('yellow', 'warning'),
  problem: style('red', 'problem'),
}

function render({ check, severity, found, advice }: Finding): string {
  const line = `${marks[severity]}  ${check.padEnd(13)}  ${found}`
  return advice === null ? line : `${line}\n${' '.repeat(24)}${style('dim', `→ ${advice}`)}`
}

function summary(findings: readonly Finding[]): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  const [problems, warnings] = [count('problem'), count('warning')]
  if (problems + warnings === 0) return '\nAll is well.'
  const parts = [
    ...(problems > 0 ? [`${problems} ${problems === 1 ? 'problem' : 'problems'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ]
  return `\n${parts.join(' and ')}.`
}
