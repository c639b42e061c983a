import type { Client } from 'pg'
import { tableName } from '../../domain/backup/replay.ts'
import { EmrError, ExitCode } from '../../errors.ts'

export const PUBLICATION = 'emr_backup'
/** Schema of the guard in the source; no part of any backup. */
export const GUARD_SCHEMA = 'emr_backup'
/** Prefix of the message that a change of the schema leaves in the log. */
export const DDL_PREFIX = 'emr_ddl'

/** Of pg_class c: whether UPDATE and DELETE fail on it while they are published, for nothing says which row is meant. */
const LACKS_IDENTITY = `c.relkind = 'r' AND c.relpersistence = 'p' AND c.relreplident <> 'f' AND NOT EXISTS (
  SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid
    -- PostgreSQL takes no deferrable key.
    AND i.indimmediate
    AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
    -- A generated column is not in the log.
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
      AND a.attgenerated <> ''))`

/**
 * Notes each change of the schema in the log, and gives new tables without a key a replica identity: without one,
 * every UPDATE and DELETE on them would fail while the publication exists.
 */
const GUARD_SQL = `
CREATE SCHEMA IF NOT EXISTS ${GUARD_SCHEMA};
CREATE OR REPLACE FUNCTION ${GUARD_SCHEMA}.note_ddl() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
DECLARE command record;
BEGIN
  FOR command IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
    CONTINUE WHEN command.schema_name LIKE 'pg_temp%' OR command.command_tag = 'REFRESH MATERIALIZED VIEW';
    PERFORM pg_logical_emit_message(true, '${DDL_PREFIX}', command.command_tag);
    IF command.classid = 'pg_class'::regclass AND EXISTS (
      SELECT FROM pg_class c WHERE c.oid = command.objid AND ${LACKS_IDENTITY}) THEN
      EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', command.objid::regclass);
    END IF;
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION ${GUARD_SCHEMA}.note_drop() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary) THEN
    PERFORM pg_logical_emit_message(true, '${DDL_PREFIX}', tg_tag);
  END IF;
END $$;
DROP EVENT TRIGGER IF EXISTS emr_backup_ddl;
DROP EVENT TRIGGER IF EXISTS emr_backup_drop;
CREATE EVENT TRIGGER emr_backup_ddl ON ddl_command_end EXECUTE FUNCTION ${GUARD_SCHEMA}.note_ddl();
CREATE EVENT TRIGGER emr_backup_drop ON sql_drop EXECUTE FUNCTION ${GUARD_SCHEMA}.note_drop();
-- Also where a session sets session_replication_role to replica.
ALTER EVENT TRIGGER emr_backup_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER emr_backup_drop ENABLE ALWAYS;`

const NO_IDENTITY_SQL = `
SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND ${LACKS_IDENTITY}
ORDER BY 1, 2`

/** Whether changes of all tables are published, and changes of the schema noted. */
export async function guardState(client: Client): Promise<{ publication: boolean; triggers: boolean }> {
  const { rows } = await client.query<{ publication: boolean; triggers: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1 AND puballtables AND pubinsert AND pubupdate
       AND pubdelete AND pubtruncate) AS publication,
     (SELECT count(*) = 2 FROM pg_event_trigger WHERE evtname IN ('emr_backup_ddl', 'emr_backup_drop')
       AND evtenabled = 'A') AS triggers`,
    [PUBLICATION],
  )
  return rows[0] ?? { publication: false, triggers: false }
}

/**
 * Makes the publication and the event triggers where they are missing.
 * @param fixIdentity give tables without a usable replica identity REPLICA IDENTITY FULL, in place of refusing
 * @throws {EmrError} REPLICA_IDENTITY_MISSING or GUARD_DENIED (exit 4)
 */
export async function installGuard(client: Client, fixIdentity: boolean): Promise<void> {
  const { rows } = await client.query<{ schema: string; name: string }>(NO_IDENTITY_SQL)
  const tables = rows.map(tableName)
  if (tables.length > 0 && !fixIdentity) throw noIdentity(tables)
  for (const table of tables) await client.query(`ALTER TABLE ${table} REPLICA IDENTITY FULL`)
  const { publication, triggers } = await guardState(client)
  if (publication && triggers) return
  try {
    await client.query('BEGIN')
    if (!triggers) await client.query(GUARD_SQL)
    if (!publication) {
      await client.query(`DROP PUBLICATION IF EXISTS ${PUBLICATION}`)
      await client.query(`CREATE PUBLICATION ${PUBLICATION} FOR ALL TABLES`)
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    if ((error as { code?: string }).code !== '42501') throw error
    throw new EmrError(`The database role may not set up backups: ${(error as Error).message}`, {
      code: 'GUARD_DENIED',
      exitCode: ExitCode.preflight,
      suggestions: ['run the first full backup as an administrator (docs/runbooks/backup-and-restore.md)'],
      cause: error,
    })
  }
}

function noIdentity(tables: string[]): EmrError {
  const [first = ''] = tables
  return new EmrError(
    `With a publication for all tables, UPDATE and DELETE would fail on tables without a replica identity: ${tables.join(', ')}`,
    {
      code: 'REPLICA_IDENTITY_MISSING',
      exitCode: ExitCode.preflight,
      suggestions: [
        'emr db-backup full --fix-identity  (sets REPLICA IDENTITY FULL)',
        `or give each a key: ALTER TABLE ${first} ADD PRIMARY KEY (…)`,
      ],
      details: { tables },
    },
  )
}
