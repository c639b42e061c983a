import { stdoutTheme as theme } from './theme.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const STYLE = /\x1b\[[\d;]*m/g
/** No name of Kubernetes is longer; what is does not make every row as long. */
const MOST_WIDTH = 253

/** Columns as wide as their content, two spaces apart, as kubectl prints them. Cells may be coloured. */
export function table(head: string[] | undefined, rows: string[][]): string {
  const all = (head ? [head, ...rows] : rows).map((row) => row.map(onOneLine))
  const widths = (all[0] ?? []).map((_, column) =>
    all.reduce((widest, row) => Math.min(MOST_WIDTH, Math.max(widest, visible(row[column] ?? ''))), 0),
  )
  const line = (row: string[]) =>
    row
      .map((cell, column) =>
        column === row.length - 1
          ? cell
          : cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - visible(cell))),
      )
      .join('  ')
  const lines = all.map(line)
  if (head) lines[0] = theme.strong(lines[0] ?? '')
  return lines.join('\n')
}

/** A cell with lines of its own would pass for rows. */
function onOneLine(cell: string): string {
  return cell.replaceAll(/[\r\n\t]+/g, ' ')
}

function visible(cell: string): number {
  return cell.replaceAll(STYLE, '').length
}
