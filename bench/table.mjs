const longestFailure = 160

/** Rows of cells in columns, the first row as the head. The last cell of a row that has fewer of them goes across the rest. */
export function table(rows) {
  const widthOf = (row, column) => (row.length < rows[0].length && column > 0 ? 0 : row[column].length)
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => widthOf(row, column))))
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')
  return [line(rows[0]), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n')
}

/** The same for a page. */
export function markdownTable(rows) {
  const [head, ...body] = rows
  const line = (cells) => `| ${head.map((_, column) => cells[column] ?? '').join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...body.map(line)].join('\n')
}

/** A row for each contender: its name, then its cells, or in what it failed. @param samples `Samples` */
export function contenderRows(samples, toCells) {
  return samples.contenders.map((contender) => {
    const failure = samples.failureOf(contender.id)
    return [contender.name, ...(failure === null ? toCells(contender) : [`failed: ${oneLine(failure)}`])]
  })
}

/** A number for a cell; what there is not is a dash. */
export function figure(number, digits = 2) {
  return Number.isFinite(number) ? number.toFixed(digits) : '–'
}

function oneLine(text) {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', '/').trim()
  return line.length > longestFailure ? `${line.slice(0, longestFailure)} …` : line
}
