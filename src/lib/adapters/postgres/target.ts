import type { Client } from 'pg'
import { compareLsn, type Lsn } from '../../domain/backup/lsn.ts'
import type { ColumnName, FullManifest, RelationName, SequenceState } from '../../domain/backup/manifest.ts'
import { quoteIdentifier, quoteLiteral, tableName } from '../../domain/backup/replay.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { Runner } from '../../process/runner.ts'
import { connect, type DatabaseConnection } from './connection.ts'
import { type ContentHash, contentHashes } from './content.ts'
import { makeDatabase } from './create-database.ts'
import { type ClientPrograms, findPrograms } from './programs.ts'
import { PROGRESS_SCHEMA, pastTarget } from './replay.ts'
import { prepareResume } from './resume.ts'
import { preflight } from './slots.ts'
import { takeLock } from './source.ts'
import { populatedViews, refreshViews } from './views.ts'

/** 'emrr' and 'est1': of a restore into this database. */
const ADVISORY_LOCK = '0x656d727265737431'

/** What a restore was at when it was stopped. One that had its keys can go on; see RestoreTarget.begin. */
const PHASES = {
  load: 'while its data was loaded',
  index: 'while its keys and indexes were built',
  replay: 'after its data was loaded',
}

export interface RestoreProgress {
  /** Id of the full backup. */
  backup: string
  phase: keyof typeof PHASES
  /** Replayed up to here. */
  lsn: Lsn
}

/** The database that a backup is restored into. */
export class RestoreTarget {
  readonly connection: DatabaseConnection
  readonly programs: ClientPrograms
  readonly client: Client
  private constructor(connection: DatabaseConnection, client: Client, programs: ClientPrograms) {
    this.connection = connection
    this.client = client
    this.programs = programs
  }

  /**
   * Opens the database for this restore alone, and makes it where it does not exist.
   * @param server a connection to any database of the server
   * @throws {EmrError} DATABASE_…, TARGET_…, BACKUP_TOOL_MISSING (exit 4), RESTORE_LOCKED (exit 8)
   */
  static async open(
    server: DatabaseConnection,
    database: string,
    { serverMajor: backupMajor, locale }: Pick<FullManifest, 'serverMajor' | 'locale'>,
    runner: Runner,
  ): Promise<RestoreTarget> {
    const connection = { ...server, database }
    const programs = await makeDatabase(server, database, locale, (major) => {
      if (major >= backupMajor) return findPrograms(runner, major)
      throw preflight(
        'TARGET_SERVER_OLDER',
        `The backup is of PostgreSQL ${backupMajor}, the target server is ${major}`,
        [],
      )
    })
    // Losing the last commits in a crash costs nothing: the progress is lost with them.
    const client = await connect(connection, { settings: { synchronous_commit: 'off' } })
    try {
      await takeLock(client, {
        key: ADVISORY_LOCK,
        what: `restore into database ${database}`,
        code: 'RESTORE_LOCKED',
        advice: (pid) =>
          `wait for it; what a killed run left ends by itself, or by SELECT pg_terminate_backend(${pid ?? 'PROCESS'})`,
      })
      return new RestoreTarget(connection, client, programs)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
  }

  /**
   * Begins a restore, or finds the one of this backup that was stopped in its replay or later.
   * @param end of the last backup that is wanted
   * @throws {EmrError} TARGET_NOT_EMPTY, TARGET_PAST or ROLES_MISSING (exit 4)
   */
  async begin(backup: string, lsn: Lsn, end: Lsn, neededRoles: readonly string[]): Promise<RestoreProgress> {
    const found = await this.#progress()
    if (found?.backup === backup && found.phase === 'replay') {
      if (compareLsn(found.lsn, end) > 0) throw pastTarget()
      await prepareResume(this.client)
      return found
    }
    await this.#refuseUnlessEmpty(found)
    await this.#refuseMissingRoles(neededRoles)
    await this.client.query(`CREATE SCHEMA ${PROGRESS_SCHEMA}`)
    await this.client.query(
      `CREATE TABLE ${PROGRESS_SCHEMA}.progress (backup text PRIMARY KEY, phase text NOT NULL, lsn pg_lsn NOT NULL)`,
    )
    const progress: RestoreProgress = { backup, phase: 'load', lsn }
    await this.client.query(`INSERT INTO ${PROGRESS_SCHEMA}.progress VALUES ($1, 'load', $2)`, [backup, lsn])
    return progress
  }

  async enter(phase: RestoreProgress['phase']): Promise<void> {
    await this.client.query(`UPDATE ${PROGRESS_SCHEMA}.progress SET phase = $1`, [phase])
  }

  /** A replay writes into GENERATED ALWAYS identities; the last step makes them so again. */
  async setIdentities(columns: readonly ColumnName[], generated: 'BY DEFAULT' | 'ALWAYS'): Promise<void> {
    for (const { schema, table, column } of columns) {
      await this.client.query(
        `ALTER TABLE ${tableName({ schema, name: table })} ALTER COLUMN ${quoteIdentifier(column)} SET GENERATED ${generated}`,
      )
    }
  }

  async setSequences(states: readonly SequenceState[]): Promise<void> {
    for (const state of states) {
      const name = quoteLiteral(tableName(state))
      await this.client.query(`SELECT setval(${name}::regclass, $1::bigint, $2)`, [
        state.lastValue,
        state.isCalled,
      ])
    }
  }

  /** See refreshViews. @param signal also ends the one that is being computed, which can take hours */
  async refreshViews(views: readonly RelationName[] | undefined, signal: AbortSignal): Promise<void> {
    const { rows } = await this.client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const stop = () => void this.#cancel(rows[0]?.pid).catch(() => {})
    signal.addEventListener('abort', stop, { once: true })
    try {
      await refreshViews(this.client, views, signal)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /**
   * The restore is complete: counts the rows for the planner, and removes what it kept for itself.
   * @param jobs tables at the same time
   */
  async finish(jobs: number): Promise<void> {
    // A partitioned table's ANALYZE is also that of its partitions.
    const { rows } = await this.client.query<{ name: string }>(`
      SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'm', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      ORDER BY c.relpages DESC`)
    const waiting = rows.map(({ name }) => name)
    const worker = async () => {
      const client = await connect(this.connection)
      try {
        for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
          await client.query(`ANALYZE ${name}`)
      } finally {
        await client.end()
      }
    }
    await Promise.all(Array.from({ length: Math.min(jobs, rows.length) }, worker))
    await this.client.query(`DROP SCHEMA ${PROGRESS_SCHEMA} CASCADE`)
  }

  async content(): Promise<{ tables: ContentHash[]; populatedViews: RelationName[] }> {
    return { tables: await contentHashes(this.client), populatedViews: await populatedViews(this.client) }
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => {})
  }

  async #cancel(pid: number | undefined): Promise<void> {
    const other = await connect(this.connection)
    await other.query('SELECT pg_cancel_backend($1)', [pid]).finally(() => other.end())
  }

  async #progress(): Promise<RestoreProgress | undefined> {
    const { rows } = await this.client.query('SELECT to_regclass($1) IS NOT NULL AS there', [
      `${PROGRESS_SCHEMA}.progress`,
    ])
    if (!rows[0].there) return undefined
    const found = await this.client.query(
      `SELECT backup, phase, lsn::text AS lsn FROM ${PROGRESS_SCHEMA}.progress`,
    )
    return found.rows[0]
  }

  async #refuseUnlessEmpty(found: RestoreProgress | undefined): Promise<void> {
    const { rows } = await this.client.query<{ name: string }>(`
      SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      UNION ALL SELECT format('schema %I', nspname) FROM pg_namespace
      WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
      UNION ALL SELECT 'large objects' WHERE EXISTS (SELECT FROM pg_largeobject_metadata)
      LIMIT 5`)
    if (rows.length === 0 && found === undefined) return
    const { database } = this.connection
    const why = found
      ? `holds a restore of ${found.backup} that was stopped ${PHASES[found.phase]}`
      : `is not empty: it has ${rows.map(({ name }) => name).join(', ')}`
    throw new EmrError(`The database ${database} ${why}`, {
      code: 'TARGET_NOT_EMPTY',
      exitCode: ExitCode.preflight,
      suggestions: [
        '--target OTHER_NAME (a database that does not exist yet is made)',
        `or drop it yourself: DROP DATABASE ${quoteIdentifier(database)}`,
      ],
    })
  }

  async #refuseMissingRoles(needed: readonly string[]): Promise<void> {
    const { rows } = await this.client.query<{ name: string }>(
      'SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)',
      [needed],
    )
    if (rows.length === 0) return
    throw preflight(
      'ROLES_MISSING',
      `The target server has not the roles that the backup names: ${rows.map(({ name }) => name).join(', ')}`,
      [`CREATE ROLE ${quoteIdentifier(rows[0]?.name ?? '')}`, 'or leave owners and grants out: --no-owner'],
    )
  }
}
