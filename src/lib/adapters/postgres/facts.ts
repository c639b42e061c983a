import type { Client } from 'pg'
import type {
  ColumnName,
  DatabaseIdentity,
  DatabaseLocale,
  ExtensionTable,
  SequenceState,
} from '../../domain/backup/manifest.ts'
import type { TableSize } from '../../domain/backup/parts.ts'
import { tableName } from '../../domain/backup/replay.ts'
import { GUARD_SCHEMA } from './guard.ts'

const UNDEFINED_TABLE = '42P01'

/** Of pg_namespace n: what a backup is of. */
export const OWN_SCHEMAS = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '${GUARD_SCHEMA}')`

export interface ServerFacts {
  database: DatabaseIdentity
  serverMajor: number
  walLevel: string
}

export async function serverFacts(client: Client, resourceId: string | undefined): Promise<ServerFacts> {
  const { rows } = await client.query(`
    SELECT d.datname AS name, d.oid::int8::text AS oid, s.system_identifier::text AS system,
      ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline, current_setting('server_version_num')::int / 10000 AS major,
      current_setting('wal_level') AS wal_level
    FROM pg_database d, pg_control_system() s WHERE d.datname = current_database()`)
  const [row] = rows
  return {
    database: {
      name: row.name,
      systemId: row.system,
      timeline: row.timeline,
      oid: Number(row.oid),
      ...(resourceId === undefined ? {} : { resourceId }),
    },
    serverMajor: row.major,
    walLevel: row.wal_level,
  }
}

export async function databaseLocale(client: Client): Promise<DatabaseLocale> {
  // As JSON: the columns of the provider are other ones in each version.
  const { rows } = await client.query<DatabaseLocale>(`
    SELECT pg_encoding_to_char(d.encoding) AS encoding, datcollate AS collate, datctype AS ctype,
      CASE row ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS provider,
      coalesce(row ->> 'datlocale', row ->> 'daticulocale') AS locale, row ->> 'daticurules' AS rules
    FROM pg_database d, to_jsonb(d) AS row WHERE datname = current_database()`)
  return rows[0] as DatabaseLocale
}

/** Largest first does not matter here; see divideTables. */
export async function tableSizes(client: Client): Promise<TableSize[]> {
  const { rows } = await client.query<{ schema: string; name: string; bytes: string }>(`
    SELECT n.nspname AS schema, c.relname AS name, pg_table_size(c.oid)::text AS bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${OWN_SCHEMAS}`)
  return rows.map((row) => ({ ...row, bytes: Number(row.bytes) }))
}

/** @returns tables of extensions, with the condition of the rows that a dump of them holds; null where it holds none */
export async function extensionTables(
  client: Client,
): Promise<(ExtensionTable & { condition: string | null })[]> {
  const { rows } = await client.query<Omit<ExtensionTable, 'rows'> & { condition: string | null }>(`
    SELECT n.nspname AS schema, c.relname AS name, e.extname AS extension, k.condition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
    LEFT JOIN LATERAL unnest(e.extconfig, e.extcondition) AS k (oid, condition) ON k.oid = c.oid
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${OWN_SCHEMAS} ORDER BY 1, 2`)
  return rows.map((row) => ({ ...row, rows: row.condition === null ? 'none' : 'own' }))
}

/** Rows that the database shows and no backup holds, in words. @param tables see extensionTables */
export async function omittedRows(
  client: Client,
  tables: readonly (ExtensionTable & { condition: string | null })[],
): Promise<string[]> {
  const omitted: string[] = []
  for (const { extension, condition, ...table } of tables) {
    const name = tableName(table)
    if (condition !== null) {
      omitted.push(`rows of ${name} that the extension ${extension} does not name as the user's`)
      continue
    }
    const { rows } = await client.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM ONLY ${name}) AS found`,
    )
    if (rows[0]?.found) omitted.push(`the rows of ${name}, a table of the extension ${extension}`)
  }
  const foreign = await client.query<{ what: string }>(`
    SELECT format('the rows of the foreign table %I.%I, which are on the server %I', n.nspname, c.relname, s.srvname) AS what
    FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE ${OWN_SCHEMAS} ORDER BY 1`)
  return [...omitted, ...foreign.rows.map(({ what }) => what)]
}

export async function alwaysIdentities(client: Client): Promise<ColumnName[]> {
  const { rows } = await client.query<ColumnName>(`
    SELECT n.nspname AS schema, c.relname AS table, a.attname AS column
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attidentity = 'a' AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND ${OWN_SCHEMAS}
      -- From 17 on a partition's is its parent's, and cannot be altered alone.
      AND (NOT c.relispartition OR current_setting('server_version_num')::int < 170000)
    ORDER BY 1, 2, 3`)
  return rows
}

/** Roles that own something in this database or were granted something; a restore needs them. */
export async function referencedRoles(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    SELECT DISTINCT pg_get_userbyid(refobjid) AS name FROM pg_shdepend
    WHERE refclassid = 'pg_authid'::regclass
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND NOT (classid = 'pg_namespace'::regclass AND objid IN (
        SELECT oid FROM pg_namespace WHERE nspname = '${GUARD_SCHEMA}'))
    ORDER BY 1`)
  return rows.map(({ name }) => name)
}

/** What the log does not tell the changes of, or not so that they could be repeated. */
export async function uncaptured(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(`
    SELECT 'unlogged table ' || format('%I.%I', n.nspname, c.relname) AS what
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND ${OWN_SCHEMAS}
    UNION ALL SELECT 'large objects' WHERE EXISTS (SELECT FROM pg_largeobject_metadata)
    -- Any bytes may stand in it, and the log is read as UTF-8.
    UNION ALL SELECT 'text in a database of the encoding SQL_ASCII' WHERE getdatabaseencoding() = 'SQL_ASCII'
    ORDER BY 1`)
  return rows.map(({ what }) => what)
}

/** Sequences and materialised views as the catalogue has them: whatever makes one anew gives it another file. */
export type Readings = {
  schema: string
  name: string
  oid: string
  file: string
  isPopulated: boolean
  /** Of a sequence. */
  increment: string | null
}[]

export async function readings(client: Client): Promise<Readings> {
  const { rows } = await client.query<Readings[number]>(`
    SELECT n.nspname AS schema, c.relname AS name, c.oid::text AS oid, c.relfilenode::text AS file,
      c.relispopulated AS "isPopulated", s.seqincrement::text AS increment
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE c.relkind IN ('S', 'm') AND c.relpersistence <> 't' AND ${OWN_SCHEMAS} ORDER BY 1, 2`)
  return rows
}

/** One that is dropped meanwhile is left out. */
export async function sequenceStates(client: Client): Promise<SequenceState[]> {
  const { rows } = await client.query<{ schema: string; name: string }>(`
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND ${OWN_SCHEMAS} ORDER BY 1, 2`)
  const states: SequenceState[] = []
  for (const sequence of rows) {
    const state = await client
      .query<Pick<SequenceState, 'lastValue' | 'isCalled'>>(
        `SELECT last_value::text AS "lastValue", is_called AS "isCalled" FROM ${tableName(sequence)}`,
      )
      .catch((error) => {
        if (error.code === UNDEFINED_TABLE) return undefined
        throw error
      })
    const [row] = state?.rows ?? []
    if (row) states.push({ ...sequence, ...row })
  }
  return states
}

/** An SQL expression that gives a time as ISO 8601 in UTC, with microseconds. */
export function isoTime(expression: string): string {
  return `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}
