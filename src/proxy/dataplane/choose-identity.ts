import type { TlsIdentity } from '../messages.ts'

/**
 * The certificates for the server that a client names (SNI, RFC 6066 3): the first with this very name, else the first with a
 * wildcard in place of its leftmost label, and of that alone (RFC 9525 6.3). Pure.
 * @param servername in any case
 * @returns null: none of them is for this name
 */
export function chooseIdentity<Identity extends Pick<TlsIdentity, 'names'>>(
  identities: readonly Identity[],
  servername: string,
): Identity | null {
  const name = servername.toLowerCase().replace(/\.$/, '')
  const exact = identities.find(({ names }) => names.includes(name))
  if (exact !== undefined) return exact
  const dot = name.indexOf('.')
  if (dot < 1) return null
  const wildcard = `*${name.slice(dot)}`
  return identities.find(({ names }) => names.includes(wildcard)) ?? null
}
