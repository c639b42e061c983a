import type { Client } from 'pg'
import { tableName } from '../../domain/backup/replay.ts'
import { messageOf } from '../../errors.ts'
import { OWN_SCHEMAS } from './facts.ts'

/** SQLSTATEs of a table or schema that is gone, and of a deadlock with who changes one. */
const CHANGED = ['42P01', '3F000', '40P01']

/**
 * Keeps everybody from truncating, rewriting, dropping or renaming the tables of a snapshot. Between the snapshot and its
 * locks somebody may have done so: the rows that the snapshot should see are then gone, and it sees none.
 * @param client in a transaction of that snapshot
 * @returns the tables with which that happened: the snapshot is of no use
 */
export async function lockTables(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ schema: string; name: string; oid: string; file: string }>(`
    SELECT n.nspname AS schema, c.relname AS name, c.oid::text AS oid, c.relfilenode::text AS file
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${OWN_SCHEMAS}`)
  if (rows.length === 0) return []
  const names = rows.map(tableName)
  try {
    await client.query(`LOCK TABLE ${names.map((name) => `ONLY ${name}`).join(', ')} IN ACCESS SHARE MODE`)
  } catch (error) {
    if (CHANGED.includes((error as { code?: string }).code ?? '')) return [messageOf(error)]
    throw error
  }
  // These functions look at the catalogue as it is now, not as the snapshot sees it.
  const changed = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::oid[], $2::oid[], $3::text[]) AS t (oid, file, name)
     WHERE to_regclass(name)::oid IS DISTINCT FROM oid OR pg_relation_filenode(oid) IS DISTINCT FROM nullif(file, 0::oid)`,
    [rows.map(({ oid }) => oid), rows.map(({ file }) => file), names],
  )
  return changed.rows.map(({ name }) => name)
}
