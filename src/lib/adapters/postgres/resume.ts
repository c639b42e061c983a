import type { Client } from 'pg'
import { RESTORE_APPLICATION } from './programs.ts'

/** What an extension brought is no part of a backup. */
const notOfExtension = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend WHERE classid = '${catalog}'::regclass AND objid = ${oid} AND deptype = 'e')`
const ofUser = (relation: string) => `${relation} >= 16384 AND ${notOfExtension('pg_class', relation)}`

/** What the last steps of a restore make, and nothing before them: statements that take it away again. */
const UNDO = `
SELECT sql FROM (
  SELECT 1 AS turn, format('DROP EVENT TRIGGER %I', evtname) AS sql FROM pg_event_trigger
  WHERE ${notOfExtension('pg_event_trigger', 'pg_event_trigger.oid')}
  UNION ALL SELECT 2, format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
  WHERE ${ofUser('conrelid')} AND conparentid = 0 AND coninhcount = 0
    AND (contype = 'f' OR contype = 'c' AND NOT convalidated)
  UNION ALL SELECT 2, format('ALTER DOMAIN %s DROP CONSTRAINT %I', contypid::regtype, conname) FROM pg_constraint
  WHERE contypid >= 16384 AND NOT convalidated AND ${notOfExtension('pg_type', 'contypid')}
  UNION ALL SELECT 2, format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger
  WHERE ${ofUser('tgrelid')} AND NOT tgisinternal AND tgparentid = 0
  UNION ALL SELECT 2, format('DROP RULE %I ON %s', rulename, ev_class::regclass) FROM pg_rewrite
  WHERE ${ofUser('ev_class')} AND rulename <> '_RETURN'
  UNION ALL SELECT 2, format('DROP POLICY %I ON %s', polname, polrelid::regclass) FROM pg_policy WHERE ${ofUser('polrelid')}
  UNION ALL SELECT 2, format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', pg_class.oid::regclass) FROM pg_class
  WHERE ${ofUser('pg_class.oid')} AND relrowsecurity
  UNION ALL SELECT 2, format('DROP STATISTICS %s.%I', stxnamespace::regnamespace, stxname) FROM pg_statistic_ext
  WHERE ${ofUser('stxrelid')}
  UNION ALL SELECT 2, format('DROP PUBLICATION %I', pubname) FROM pg_publication
  UNION ALL SELECT 2, format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE);
    DROP SUBSCRIPTION %1$I', subname) FROM pg_subscription
  WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS undo ORDER BY turn`

/**
 * Makes a target that was being restored fit to go on: ends what a killed run left working in it, and takes away foreign
 * keys, triggers, rules and the like, which would act on replayed rows and are made again at the end.
 * @param client holds the lock of the restore, so that no other one is alive
 */
export async function prepareResume(client: Client): Promise<void> {
  let ended: number | null
  do {
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = $1`,
      [RESTORE_APPLICATION],
    )
    ended = rowCount
  } while (ended)
  // One that was inherited from two parents can only go after theirs.
  for (let rows = await undoStatements(client); rows.length > 0; rows = await undoStatements(client))
    for (const sql of rows) await client.query(sql)
}

async function undoStatements(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ sql: string }>(UNDO)
  return rows.map(({ sql }) => sql)
}
