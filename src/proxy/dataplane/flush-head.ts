import type { OutgoingMessage } from 'node:http'

/**
 * Sends the head of a message ahead of its body. `flushHeaders` would write it as UTF-8, which makes two bytes of each byte of a
 * field that is not ASCII (seen in Node 20 to 26); what `write` sends in front of a string of `latin1` keeps them.
 */
export function flushHead(message: OutgoingMessage): void {
  message.write('', 'latin1')
}
