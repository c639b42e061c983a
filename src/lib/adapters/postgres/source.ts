import type { Client } from 'pg'
import type { SourceState } from '../../domain/backup/continuity.ts'
import type { Lsn } from '../../domain/backup/lsn.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { Runner } from '../../process/runner.ts'
import { type ChangeRequest, type ChangeSummary, readChanges } from './changes.ts'
import { connect, type DatabaseConnection } from './connection.ts'
import { type ServerFacts, serverFacts, uncaptured } from './facts.ts'
import { schemaFingerprint } from './fingerprint.ts'
import { guardState, installGuard } from './guard.ts'
import { type Mark, markEnd } from './mark.ts'
import { type ClientPrograms, findPrograms } from './programs.ts'
import { abandonedScratch } from './scratch.ts'
import { advanceSlot, dropSlot, preflight, type SlotState, slotStates } from './slots.ts'
import { SourceSnapshot } from './snapshot.ts'

/** 'emrb' and 'kup1': nobody else locks this number by chance. */
const ADVISORY_LOCK = '0x656d72626b757031'
const MINIMUM_MAJOR = 15

/** The database that is backed up: one connection that holds the run's lock, and others where they are needed. */
export class PostgresSource {
  readonly facts: ServerFacts
  readonly programs: ClientPrograms
  readonly #connection: DatabaseConnection
  readonly #control: Client

  private constructor(
    connection: DatabaseConnection,
    control: Client,
    facts: ServerFacts,
    programs: ClientPrograms,
  ) {
    this.#connection = connection
    this.#control = control
    this.facts = facts
    this.programs = programs
  }

  /**
   * Connects and takes the lock that keeps two runs from one database.
   * @param resourceId of the RDS instance, where it is one
   * @throws {EmrError} DATABASE_…, SERVER_TOO_OLD, WAL_LEVEL, BACKUP_TOOL_MISSING (4), BACKUP_LOCKED (8)
   */
  static async open(
    connection: DatabaseConnection,
    runner: Runner,
    resourceId?: string,
  ): Promise<PostgresSource> {
    const control = await connect(connection)
    try {
      const facts = await serverFacts(control, resourceId)
      refuseUnfit(facts)
      const programs = await findPrograms(runner, facts.serverMajor)
      await takeLock(control, {
        key: ADVISORY_LOCK,
        what: `backup of database ${connection.database}`,
        code: 'BACKUP_LOCKED',
        advice: () => 'try again when it has ended',
      })
      return new PostgresSource(connection, control, facts, programs)
    } catch (error) {
      await control.end().catch(() => {})
      throw error
    }
  }

  /** See installGuard. */
  async installGuard(fixIdentity: boolean): Promise<void> {
    await installGuard(this.#control, fixIdentity)
  }

  /** See SourceSnapshot.open. @param name beginning of the temporary slot's name */
  async snapshot(name: string, lockTimeoutMs: number): Promise<SourceSnapshot> {
    const parts = { connection: this.#connection, control: this.#control, programs: this.programs }
    return SourceSnapshot.open(parts, name, lockTimeoutMs)
  }

  /** What decides whether the chain of this slot can go on. */
  async state(slot: string, signal: AbortSignal): Promise<SourceState> {
    const [found] = await slotStates(this.#control, slot)
    const { publication, triggers } = await guardState(this.#control)
    return {
      ...this.facts,
      slot: found,
      hasPublication: publication,
      hasTriggers: triggers,
      uncaptured: await uncaptured(this.#control),
      schemaFingerprint: await schemaFingerprint(this.programs, this.#connection, undefined, signal),
    }
  }

  /** See markEnd. @param id of the backup that is to end there */
  mark(id: string): Promise<Mark> {
    return markEnd(this.#control, id)
  }

  /** See readChanges. */
  changes(request: ChangeRequest, signal: AbortSignal): AsyncGenerator<Buffer, ChangeSummary> {
    return readChanges(this.#connection, request, signal)
  }

  async advance(slot: string, lsn: Lsn): Promise<void> {
    await advanceSlot(this.#control, slot, lsn)
  }

  /** Drops the slots that begin so, but one: those of chains that have ended, and of runs that were killed. */
  async dropSlotsExcept(prefix: string, kept: string | undefined): Promise<void> {
    for (const { name, active } of await slotStates(this.#control, prefix)) {
      if (name !== kept && !active) await dropSlot(this.#control, name)
    }
  }

  async close(): Promise<void> {
    await this.#control.end().catch(() => {})
  }
}

function refuseUnfit({ serverMajor, walLevel }: ServerFacts): void {
  if (serverMajor < MINIMUM_MAJOR) {
    throw preflight('SERVER_TOO_OLD', `PostgreSQL ${serverMajor} is older than ${MINIMUM_MAJOR}`, [])
  }
  if (walLevel !== 'logical') {
    throw preflight(
      'WAL_LEVEL',
      `The server writes its log with wal_level ${walLevel}; backups need logical`,
      [
        'on RDS: rds.logical_replication = 1 in the parameter group, then a restart',
        'elsewhere: ALTER SYSTEM SET wal_level = logical, then a restart',
      ],
    )
  }
}

/**
 * Takes a lock of the database for as long as the connection lives.
 * @param lock a number as hexadecimal text, what it is for, and the error's code and advice
 * @throws {EmrError} with exit 8 and who holds it
 */
export async function takeLock(
  control: Client,
  lock: { key: string; what: string; code: string; advice: (pid: number | undefined) => string },
): Promise<void> {
  const key = BigInt(lock.key).toString()
  const { rows } = await control.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock($1::bigint) AS locked',
    [key],
  )
  if (rows[0]?.locked) return
  const holder = await control.query<{ pid: number; since: string; client: string | null }>(
    `SELECT a.pid, a.backend_start::text AS since, a.client_addr::text AS client
     FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint AND l.database = (
         SELECT oid FROM pg_database WHERE datname = current_database())`,
    [key],
  )
  const { pid, since, client } = holder.rows[0] ?? {}
  throw new EmrError(
    `Another ${lock.what} is under way: from ${client ?? 'this machine'}, since ${since} (server process ${pid})`,
    { code: lock.code, exitCode: ExitCode.locked, suggestions: [lock.advice(pid)] },
  )
}

/** Slots and their log, for `status`: a connection that takes no lock, so it works during a backup. */
export async function readSlots(
  connection: DatabaseConnection,
  prefix: string,
): Promise<{
  slots: SlotState[]
  guard: { publication: boolean; triggers: boolean }
  /** Databases that killed drills have left. */
  scratch: string[]
}> {
  const client = await connect(connection)
  try {
    return {
      slots: await slotStates(client, prefix),
      guard: await guardState(client),
      scratch: await abandonedScratch(client),
    }
  } finally {
    await client.end()
  }
}
