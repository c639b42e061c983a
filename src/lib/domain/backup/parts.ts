export interface TableSize {
  schema: string
  name: string
  /** On disk, with TOAST, without indexes. */
  bytes: number
}

/** More names would not fit into the arguments of a program; the tables that are left over are small. */
const NAMED_TABLES = 400

/**
 * Divides tables over data archives of about the same size, largest first. The last archive is not named: it takes
 * everything that no other one has, so that nothing can be forgotten.
 * @returns the tables of all archives but the last
 */
export function divideTables(tables: readonly TableSize[], parts: number): TableSize[][] {
  const sorted = [...tables].filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes)
  const rest = sorted.slice(NAMED_TABLES).reduce((sum, { bytes }) => sum + bytes, 0)
  const loads = Array.from({ length: parts }, (_, index) => (index === parts - 1 ? rest : 0))
  const named: TableSize[][] = Array.from({ length: parts }, () => [])
  for (const table of sorted.slice(0, NAMED_TABLES)) {
    const lightest = loads.indexOf(Math.min(...loads))
    loads[lightest] = (loads[lightest] ?? 0) + table.bytes
    named[lightest]?.push(table)
  }
  return named.slice(0, -1).filter((part) => part.length > 0)
}
