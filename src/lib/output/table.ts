import { stripVTControlCharacters } from 'node:util'
import { stdoutTheme as theme } from './theme.ts'

/** Columns as wide as their content, two spaces apart, as kubectl prints them. Cells may be coloured. */
export function table(head: string[] | undefined, rows: string[][]): string {
  const all = head ? [head, ...rows] : rows
  const width = (column: number) => Math.max(...all.map((row) => visible(row[column] ?? '')))
  const widths = (all[0] ?? []).map((_, column) => width(column))
  const line = (row: string[]) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - visible(cell)),
      )
      .join('  ')
  return [...(head ? [theme.strong(line(head))] : []), ...rows.map(line)].join('\n')
}

function visible(cell: string): number {
  return stripVTControlCharacters(cell).length
}
