/** Rows of cells in columns, the first row as the head. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')
  return [line(rows[0]), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n')
}

/** The same for a page. */
export function markdownTable(rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  const [head, ...body] = rows
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...body.map(line)].join('\n')
}

/** A number for a cell; what there is not is a dash. */
export function figure(number, digits = 2) {
  return Number.isFinite(number) ? number.toFixed(digits) : '–'
}
