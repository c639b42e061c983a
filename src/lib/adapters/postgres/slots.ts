import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Lsn } from '../../domain/backup/lsn.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { connect, type DatabaseConnection } from './connection.ts'

/** SQLSTATE of a lock that was waited for in vain. */
export const LOCK_NOT_AVAILABLE = '55P03'
/** SQLSTATE of a slot that another process has. */
const OBJECT_IN_USE = '55006'

export interface SlotState {
  name: string
  active: boolean
  confirmedFlushLsn: Lsn
  /** `reserved`, `extended`, `unreserved` (about to be lost) or `lost`. */
  walStatus: string
  /** Bytes of log that the server keeps for this slot. */
  keptBytes: number
}

/** This database's slots whose names begin so. */
export async function slotStates(client: Client, prefix: string): Promise<SlotState[]> {
  const { rows } = await client.query(
    `SELECT slot_name AS name, active, coalesce(confirmed_flush_lsn, '0/0')::text AS lsn,
       coalesce(wal_status, 'lost') AS status,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::float8 AS kept
     FROM pg_replication_slots
     WHERE database = current_database() AND starts_with(slot_name, $1) AND NOT temporary ORDER BY 1`,
    [prefix],
  )
  return rows.map(({ name, active, lsn, status, kept }) => ({
    name,
    active,
    confirmedFlushLsn: lsn,
    walStatus: status,
    keptBytes: kept,
  }))
}

/** How long a slot may stay in the hands of the server process that has just sent its changes. */
const RELEASE_MS = 30_000

/**
 * Lets the server forget the log before this position; a slot that is further already stays where it is.
 * @param releaseMs how long to wait for its reader to let go
 * @throws {EmrError} SLOT_IN_USE (exit 5) when somebody else reads from it
 */
export async function advanceSlot(
  client: Client,
  slot: string,
  lsn: Lsn,
  releaseMs = RELEASE_MS,
): Promise<void> {
  const deadline = Date.now() + releaseMs
  while (!(await tryAdvance(client, slot, lsn))) {
    // The process that sent the changes lets go once it sees that its reader has left, which is not at once.
    if (Date.now() > deadline) {
      throw new EmrError(`The backup is complete, but its slot ${slot} is still in use and keeps the log`, {
        code: 'SLOT_IN_USE',
        exitCode: ExitCode.tool,
        suggestions: [
          'the next incremental backup frees the log; emr db-backup status tells how much is kept',
        ],
      })
    }
    await delay(100)
  }
}

/** @returns false while the slot is in use */
async function tryAdvance(client: Client, slot: string, lsn: Lsn): Promise<boolean> {
  try {
    await client.query(
      `SELECT pg_replication_slot_advance(slot_name, $2::pg_lsn) FROM pg_replication_slots
       WHERE slot_name = $1 AND confirmed_flush_lsn < $2::pg_lsn`,
      [slot, lsn],
    )
    return true
  } catch (error) {
    if ((error as { code?: string }).code === OBJECT_IN_USE) return false
    throw error
  }
}

export async function dropSlot(client: Client, slot: string): Promise<void> {
  await client.query(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
}

export interface ExportedSnapshot {
  /** The snapshot sees what was committed before this position, and nothing else. */
  lsn: Lsn
  snapshot: string
  /** Makes the slot permanent under this name; until then a crash leaves nothing behind. */
  keep(client: Client, slot: string): Promise<void>
  close(): Promise<void>
}

/**
 * A temporary slot and the snapshot of its consistent point. Nothing else may run on its connection while the
 * snapshot is in use.
 * @param lockTimeoutMs how long to wait for transactions that are writing
 * @throws {EmrError} SLOT_BLOCKED (exit 4) naming them
 */
export async function exportSnapshot(
  connection: DatabaseConnection,
  control: Client,
  name: string,
  lockTimeoutMs: number,
): Promise<ExportedSnapshot> {
  const client = await connect(connection, {
    replication: true,
    settings: { lock_timeout: String(lockTimeoutMs) },
  })
  try {
    const { rows } = await client.query(
      `CREATE_REPLICATION_SLOT "${name}" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')`,
    )
    const { consistent_point: lsn, snapshot_name: snapshot } = rows[0]
    return {
      lsn,
      snapshot,
      keep: async (other, slot) => {
        const copied = other.query('SELECT pg_copy_logical_replication_slot($1, $2, false)', [name, slot])
        await copied.catch(async (error) => {
          throw await slotError(error, other, lockTimeoutMs)
        })
      },
      close: () => client.end(),
    }
  } catch (error) {
    await client.end().catch(() => {})
    throw await slotError(error, control, lockTimeoutMs)
  }
}

async function slotError(error: unknown, control: Client, lockTimeoutMs: number): Promise<unknown> {
  const { code, message } = error as { code?: string; message: string }
  if (code === LOCK_NOT_AVAILABLE) {
    return blockedBy(control, {
      code: 'SLOT_BLOCKED',
      what: `Transactions that have been writing for more than ${lockTimeoutMs / 1000} s keep the backup from a consistent beginning`,
      condition: 'backend_xid IS NOT NULL',
    })
  }
  if (code === '53400') {
    return preflight('SLOTS_EXHAUSTED', `The server has no free replication slot: ${message}`, [
      'raise max_replication_slots in the parameter group',
    ])
  }
  return error
}

export function preflight(code: string, message: string, suggestions: string[]): EmrError {
  return new EmrError(message, { code, exitCode: ExitCode.preflight, suggestions })
}

/**
 * The error of having waited in vain: who it is and since when; not what: a query's text may hold patients' data.
 * @param condition of pg_stat_activity
 */
export async function blockedBy(
  client: Client,
  { code, what, condition }: { code: string; what: string; condition: string },
): Promise<EmrError> {
  const { rows } = await client.query(`
    SELECT pid, usename, coalesce(nullif(application_name, ''), '?') AS application, state,
      round(extract(epoch FROM clock_timestamp() - xact_start))::int AS seconds
    FROM pg_stat_activity WHERE ${condition} AND pid <> pg_backend_pid()
    ORDER BY xact_start LIMIT 20`)
  const writers = rows.map(
    ({ pid, usename, application, state, seconds }) =>
      `  process ${pid}, user ${usename}, ${application}, ${state}, open for ${seconds} s`,
  )
  return new EmrError(`${what}:\n${writers.join('\n')}`, {
    code,
    exitCode: ExitCode.preflight,
    suggestions: ['wait for them to end, or end one: SELECT pg_terminate_backend(PID)', '--lock-timeout 10m'],
    details: { writers },
  })
}
