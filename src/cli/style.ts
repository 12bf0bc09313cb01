import { stripVTControlCharacters, styleText } from 'node:util'

type Format = Parameters<typeof styleText>[0]

/** Text in a colour, or as it is where colours are not wanted (NO_COLOR) or not shown (no terminal). */
export function style(format: Format, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return areColoursShown(stream) ? styleText(format, text) : text
}

/** Text of others (a worker's output) without anything that would move the cursor or change colours. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}

function areColoursShown(stream: NodeJS.WriteStream): boolean {
  if (process.env.NO_COLOR) return false
  return stream.isTTY === true && process.env.TERM !== 'dumb'
}
