import { isIP } from 'node:net'

/** Names for ranges that `trustProxy` may use. */
export const namedRanges: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Whether it is an address, a range in CIDR form, or a name of ranges. */
export function isAddressRange(text: string): boolean {
  if (Object.hasOwn(namedRanges, text)) return true
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0) return false
  return bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

/** Addresses and ranges, with the ranges in place of their names. */
export function expandRanges(ranges: readonly string[]): string[] {
  return ranges.flatMap((range) => namedRanges[range] ?? [range])
}
