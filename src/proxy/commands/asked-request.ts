import { isIP } from 'node:net'
import type { SelectableRequest } from '../routing/selection.ts'

/** A request that nobody has sent: what `proxy why` is asked about. */
export interface AskedRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Whether it would come by HTTPS; null: it does not say. */
  readonly isSecure: boolean | null
  /** As the selectors see it. @param versionHeader lower case */
  selectable(versionHeader: string): SelectableRequest
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** The same that the lanes let pass. */
const originForm = /^(?:\/[\x21\x22\x24-\x7e]*|\*)$/
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/

/**
 * Reads a request as curl takes it: `[method] <path or URL> [-H 'name: value']… [--address 192.0.2.1]`.
 * @returns what is wrong with it, if it is none
 */
export function readAskedRequest(words: readonly string[]): AskedRequest | { readonly problem: string } {
  const texts: string[] = []
  const lines: Array<readonly [lowerName: string, value: string]> = []
  let address = '127.0.0.1'
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    const [, option, joined] = /^(-H|--header|--address)(?:=(.*))?$/s.exec(word) ?? []
    if (option === undefined) {
      if (word.startsWith('-')) return { problem: `there is no option ${word}; a header is -H 'name: value'` }
      texts.push(word)
      continue
    }
    const value = joined ?? words[++index]
    if (value === undefined) return { problem: `${option} needs a value` }
    if (option === '--address') {
      if (isIP(value) === 0) return { problem: `${JSON.stringify(value)} is no IP address` }
      address = value
      continue
    }
    const [, name, content] = fieldLine.exec(value) ?? []
    if (name === undefined) return { problem: `${JSON.stringify(value)} is no header line such as 'x-version: v2'` }
    lines.push([name.toLowerCase(), (content ?? '').trim()])
  }
  return toRequest(texts, lines, address)
}

function toRequest(
  texts: readonly string[],
  lines: ReadonlyArray<readonly [lowerName: string, value: string]>,
  address: string,
): AskedRequest | { readonly problem: string } {
  const [last, ...others] = [...texts].reverse()
  const [method = 'GET', surplus] = others
  if (last === undefined) return { problem: 'the path is missing' }
  if (surplus !== undefined) return { problem: `${JSON.stringify(last)} is one word too many` }
  if (!token.test(method)) return { problem: `${JSON.stringify(method)} is no method` }
  const url = /^https?:\/\//i.test(last) && URL.canParse(last) ? new URL(last) : null
  const target = url === null ? last : `${url.pathname}${url.search}`
  if (!originForm.test(target)) return { problem: `${JSON.stringify(last)} is no path such as /a?b, and no URL` }
  const header = (name: string) => lines.flatMap(([key, value]) => (key === name ? [value] : []))
  return {
    method,
    target,
    isSecure: url === null ? null : url.protocol === 'https:',
    selectable: (versionHeader) => ({
      versionHeaders: header(versionHeader),
      method,
      target,
      host: header('host')[0] ?? url?.host ?? 'localhost',
      address,
      header,
    }),
  }
}
