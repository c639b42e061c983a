import type { Client } from 'pg'
import { tableName } from '../../domain/backup/replay.ts'
import { tableSizes } from './facts.ts'

/** What a table holds, whatever the order of its rows. */
export interface ContentHash {
  table: string
  rows: number
  hash: string
}

/** Reads every row of every table. The settings that `connect` pins make the texts of two servers comparable. */
export async function contentHashes(client: Client): Promise<ContentHash[]> {
  const hashes: ContentHash[] = []
  for (const table of await tableSizes(client)) {
    const name = tableName(table)
    const { rows } = await client.query<{ count: string; hash: string }>(
      `SELECT count(*)::text AS count, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS hash
       FROM ONLY ${name} AS t`,
    )
    hashes.push({ table: name, rows: Number(rows[0]?.count), hash: rows[0]?.hash ?? '' })
  }
  return hashes.sort((a, b) => a.table.localeCompare(b.table))
}
