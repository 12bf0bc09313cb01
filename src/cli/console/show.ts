import { toCserviceError } from '../../common/errors.ts'
import { parseCommandLine } from '../../supervisor/control/command-line.ts'
import { render } from '../render.ts'
import { renderValue } from '../render-value.ts'
import { plain, style } from '../style.ts'

const shownLength = 80

/** The answer of a line, for people. */
export function showAnswer(line: string, answer: unknown): string {
  return typeof answer === 'string' ? plain(answer) : render(wordsOf(line), answer ?? null)
}

/** What went wrong, the details that there are, and what can be done about it. */
export function showFailure(thrown: unknown, stream: NodeJS.WriteStream): string {
  const error = toCserviceError(thrown)
  const lines = [style('red', `Error: ${plain(error.message)}`, stream)]
  if (error.details !== undefined && error.details !== null) lines.push(renderValue(error.details, '  '))
  if (error.hint) lines.push(style('dim', plain(error.hint), stream))
  return lines.join('\n')
}

/** A line as it is named in messages. */
export function shorten(line: string): string {
  const text = plain(line).trim()
  return text.length > shownLength ? `${text.slice(0, shownLength - 1)}…` : text
}

/** The words of a line; of one that is not well-formed as far as spaces tell. */
export function wordsOf(line: string): string[] {
  try {
    return parseCommandLine(line).map((word) => word.text)
  } catch {
    return line.trim().split(/\s+/)
  }
}
