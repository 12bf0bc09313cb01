/** Bytes for people: `512 B`, `1.4 MiB`. */
export function renderSize(bytes: unknown): string {
  if (typeof bytes !== 'number') return '-'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const exponent = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** exponent
  return `${exponent === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[exponent]}`
}
