import type { RequestHead } from './scan-request-head.ts'

/**
 * The head for a worker: the client's lines as they came, without those that are cut, then ours.
 * @param text the bytes from the beginning of the head to its end, one character a byte
 * @param own header lines, each with its CRLF
 */
export function spliceRequestHead(text: string, { start, end, cuts }: RequestHead, own: string): string {
  let spliced = ''
  let from = 0
  if (cuts !== null) {
    for (let index = 0; index < cuts.length; index += 2) {
      spliced += text.slice(from, (cuts[index] as number) - start)
      from = (cuts[index + 1] as number) - start
    }
  }
  return `${spliced}${text.slice(from, end - start - 2)}${own}\r\n`
}
