import type { Client } from 'pg'
import { tableName } from '../../domain/backup/replay.ts'
import { extensionTables, tableSizes } from './facts.ts'

/** What a table holds, whatever the order of its rows. */
export interface ContentHash {
  table: string
  rows: number
  hash: string
}

/** Reads every row of every table that a backup can hold. The settings that `connect` pins make the texts of two servers comparable. */
export async function contentHashes(client: Client): Promise<ContentHash[]> {
  const hashes: ContentHash[] = []
  const conditions = new Map(
    (await extensionTables(client)).map((table) => [tableName(table), table.condition]),
  )
  for (const table of await tableSizes(client)) {
    const name = tableName(table)
    const condition = conditions.get(name)
    // Of these, CREATE EXTENSION alone decides.
    if (condition === null) continue
    const { rows } = await client.query<{ count: string; hash: string }>(
      `SELECT count(*)::text AS count, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS hash
       FROM (SELECT * FROM ONLY ${name} ${condition ?? ''}) AS t`,
    )
    hashes.push({ table: name, rows: Number(rows[0]?.count), hash: rows[0]?.hash ?? '' })
  }
  return hashes.sort((a, b) => a.table.localeCompare(b.table))
}
