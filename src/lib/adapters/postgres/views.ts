import type { Client } from 'pg'
import type { RelationName } from '../../domain/backup/manifest.ts'
import { tableName } from '../../domain/backup/replay.ts'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'

/** Which relations each view reads, be it through other views. */
const REACH = `
WITH RECURSIVE uses AS (
  SELECT r.ev_class AS view, d.refobjid AS used FROM pg_rewrite r
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
  WHERE d.refobjid <> r.ev_class
), reach AS (
  SELECT view, used FROM uses UNION SELECT reach.view, uses.used FROM reach JOIN uses ON uses.view = reach.used
)
SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND n.nspname !~ '^pg_'`

/** Materialised views that hold rows and could be refreshed: none that they read is without. */
export async function populatedViews(client: Client): Promise<RelationName[]> {
  const { rows } = await client.query<RelationName>(`${REACH} AND c.relispopulated AND NOT EXISTS (
    SELECT FROM reach JOIN pg_class o ON o.oid = reach.used WHERE reach.view = c.oid AND NOT o.relispopulated)
    ORDER BY 1, 2`)
  return rows
}

/**
 * Refreshes materialised views, each after those that it reads.
 * @param wanted undefined for all that there are; what does not exist is left out
 * @throws {EmrError} VIEW_NOT_REFRESHED (exit 5)
 */
export async function refreshViews(
  client: Client,
  wanted: readonly RelationName[] | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { rows } = await client.query<RelationName>(
    `${REACH} ORDER BY (SELECT count(*) FROM reach WHERE view = c.oid), 1, 2`,
  )
  const names = wanted && new Set(wanted.map(tableName))
  for (const name of rows.map(tableName)) {
    if (names && !names.has(name)) continue
    signal.throwIfAborted()
    await client.query(`REFRESH MATERIALIZED VIEW ${name}`).catch((error) => {
      throw new EmrError(`The materialised view ${name} cannot be refreshed: ${messageOf(error)}`, {
        code: 'VIEW_NOT_REFRESHED',
        exitCode: ExitCode.tool,
        suggestions: [
          'put right in the target what it reads, then type the same command again: it goes on where it was',
          `or do without it: DROP MATERIALIZED VIEW ${name} there, then the same command`,
        ],
        cause: error,
      })
    })
  }
}
