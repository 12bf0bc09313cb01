import Table from 'cli-table3'
import { plain, style } from './style.ts'

/** Any JSON value for people: keys and values by line, indented; a list of flat objects as a table. */
export function renderValue(value: unknown, indent = ''): string {
  if (Array.isArray(value)) return renderList(value, indent)
  if (isObject(value)) return renderObject(value, indent)
  return `${indent}${renderScalar(value)}`
}

/** A table without frame: columns that stand apart, and a heading. */
export function renderTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>, indent = ''): string {
  const none = ''
  const chars = {
    top: none, 'top-mid': none, 'top-left': none, 'top-right': none, bottom: none, 'bottom-mid': none, 'bottom-left': none, 'bottom-right': none,
    left: indent, 'left-mid': none, mid: none, 'mid-mid': none, right: none, 'right-mid': none, middle: '  ',
  } // biome-ignore format: it is a list of nothings
  const table = new Table({ chars, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } })
  table.push(
    head.map((text) => style('bold', text)),
    ...rows.map((row) => [...row]),
  )
  return table.toString().replace(/ +$/gm, '')
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function renderScalar(value: unknown): string {
  if (value === null || value === undefined) return '-'
  return plain(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

function renderObject(value: Record<string, unknown>, indent: string): string {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  if (entries.length === 0) return `${indent}(empty)`
  const width = Math.max(...entries.map(([key]) => key.length))
  return entries
    .map(([key, item]) => {
      const name = plain(key)
      const isShort = !isNested(item)
      if (isShort)
        return `${indent}${style('bold', name.padEnd(width))}  ${continued(renderScalar(item), indent.length + width + 2)}`
      return `${indent}${style('bold', name)}\n${renderValue(item, `${indent}  `)}`
    })
    .join('\n')
}

function renderList(list: readonly unknown[], indent: string): string {
  if (list.length === 0) return `${indent}(none)`
  const rows = list.filter(isObject)
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const isFlat = rows.length === list.length && rows.every((row) => !Object.values(row).some(isNested))
  if (isFlat && keys.length > 0)
    return renderTable(
      keys.map(plain),
      rows.map((row) => keys.map((key) => renderScalar(row[key]))),
      indent,
    )
  return list
    .map((item) =>
      isNested(item)
        ? renderValue(item, indent)
        : `${indent}${style('dim', '|')} ${continued(renderScalar(item), indent.length + 2)}`,
    )
    .join(rows.length > 0 ? '\n\n' : '\n')
}

/** Whether it needs lines of its own. */
function isNested(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : isObject(value) && Object.keys(value).length > 0
}

/** The further lines of a text below its first. */
function continued(text: string, width: number): string {
  return text.trimEnd().replaceAll('\n', `\n${' '.repeat(width)}`)
}
