import type { RequestHead } from './scan-request-head.ts'

/**
 * The head for a worker, one character a byte: the client's lines as they came, without those that are cut, then ours.
 * @param own header lines, each with its CRLF
 */
export function spliceRequestHead(bytes: Buffer, head: RequestHead, own: string): string {
  const { cuts } = head
  let from = head.start
  let text = ''
  if (cuts !== null) {
    for (let index = 0; index < cuts.length; index += 2) {
      text += bytes.toString('latin1', from, cuts[index])
      from = cuts[index + 1] as number
    }
  }
  return `${text}${bytes.toString('latin1', from, head.end - 2)}${own}\r\n`
}
