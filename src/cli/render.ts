import { helpOf } from './help.ts'
import { renderProxyInfo } from './render-proxy-info.ts'
import { isObject, renderValue } from './render-value.ts'

/** The answer of a command for people. */
export function render(words: readonly string[], answer: unknown): string {
  const isProxyAnswer = words[0] === 'proxy' && isObject(answer) && Array.isArray(answer.versions)
  if (isProxyAnswer) return renderProxyInfo(answer)
  if (words[0] === 'help' && isObject(answer)) return renderHelp(answer)
  if (answer === null) return 'Done.'
  return renderValue(answer)
}

function renderHelp(answer: Record<string, unknown>): string {
  if (!Array.isArray(answer.commands)) return renderValue(answer)
  const known = helpOf(answer.commands.map(String))
  return `${answer.more ?? ''}\n\n${known}`
}
