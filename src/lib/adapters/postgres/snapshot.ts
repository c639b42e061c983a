import type { Client } from 'pg'
import type { FullManifest, Point, RelationName } from '../../domain/backup/manifest.ts'
import type { TableSize } from '../../domain/backup/parts.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { type Pipeline, startPipeline } from '../../process/pipeline.ts'
import { connect, type DatabaseConnection } from './connection.ts'
import { type ContentHash, contentHashes } from './content.ts'
import {
  alwaysIdentities,
  databaseLocale,
  extensionTables,
  isoTime,
  omittedRows,
  referencedRoles,
  tableSizes,
  uncaptured,
} from './facts.ts'
import { schemaFingerprint } from './fingerprint.ts'
import { markTip } from './mark.ts'
import { type ClientPrograms, compressCommand, type DumpScope, dumpCommand } from './programs.ts'
import { blockedBy, type ExportedSnapshot, exportSnapshot, LOCK_NOT_AVAILABLE } from './slots.ts'
import { lockTables } from './table-locks.ts'
import { populatedViews } from './views.ts'

/** How often the tables may change in the middle of being locked. */
const TURNS = 5

interface Source {
  connection: DatabaseConnection
  control: Client
  programs: ClientPrograms
}

/** One moment of the source, held for as long as it is read, together with the slot that continues from it. */
export class SourceSnapshot {
  readonly point: Point
  readonly #connection: DatabaseConnection
  readonly #control: Client
  readonly #programs: ClientPrograms
  readonly #exported: ExportedSnapshot
  readonly #holder: Client
  readonly #name: string

  private constructor(
    parts: Source,
    exported: ExportedSnapshot,
    holder: Client,
    held: { name: string; time: string },
  ) {
    this.#connection = parts.connection
    this.#control = parts.control
    this.#programs = parts.programs
    this.#exported = exported
    this.#holder = holder
    this.#name = held.name
    this.point = { lsn: exported.lsn, time: held.time }
  }

  /**
   * See exportSnapshot. A second connection takes the snapshot over at once, locks its tables and passes it on to all readers.
   * @throws {EmrError} SLOT_BLOCKED or TABLES_LOCKED (exit 4), TABLES_CHANGING (exit 5)
   */
  static async open(source: Source, slot: string, lockTimeoutMs: number): Promise<SourceSnapshot> {
    let changed: string[] = []
    for (let turn = 1; turn <= TURNS; turn += 1) {
      const snapshot = await SourceSnapshot.#take(source, `${slot}${turn}`, lockTimeoutMs)
      try {
        changed = await lockTables(snapshot.#holder)
        if (changed.length === 0) return snapshot
      } catch (error) {
        await snapshot.close()
        throw await lockError(error, source.control, lockTimeoutMs)
      }
      await snapshot.close()
    }
    throw new EmrError(
      `Tables are truncated or altered faster than they can be locked: ${changed.join(', ')}`,
      {
        code: 'TABLES_CHANGING',
        exitCode: ExitCode.tool,
        suggestions: ['run it again when what truncates or alters them all the time has ended'],
      },
    )
  }

  static async #take(source: Source, slot: string, lockTimeoutMs: number): Promise<SourceSnapshot> {
    const { connection, control } = source
    const exported = await exportSnapshot(connection, control, slot, lockTimeoutMs)
    const settings = { lock_timeout: String(lockTimeoutMs) }
    const holder = await connect(connection, { settings }).catch(async (error) => {
      await exported.close()
      throw error
    })
    try {
      await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      await holder.query(`SET TRANSACTION SNAPSHOT '${exported.snapshot}'`)
      const { rows } = await holder.query(
        `SELECT pg_export_snapshot() AS name, ${isoTime('clock_timestamp()')} AS time`,
      )
      return new SourceSnapshot(source, exported, holder, rows[0])
    } catch (error) {
      await Promise.allSettled([holder.end(), exported.close()])
      throw error
    }
  }

  tables(): Promise<TableSize[]> {
    return tableSizes(this.#holder)
  }

  async restoreNeeds(): Promise<
    Required<
      Pick<
        FullManifest,
        'identities' | 'roles' | 'uncaptured' | 'locale' | 'populatedViews' | 'extensionTables' | 'omitted'
      >
    >
  > {
    const ofExtensions = await extensionTables(this.#holder)
    return {
      extensionTables: ofExtensions.map(({ condition: _, ...table }) => table),
      omitted: await omittedRows(this.#holder, ofExtensions),
      identities: await alwaysIdentities(this.#holder),
      roles: await referencedRoles(this.#holder),
      uncaptured: await uncaptured(this.#holder),
      locale: await databaseLocale(this.#holder),
      populatedViews: await this.populatedViews(),
    }
  }

  fingerprint(signal: AbortSignal): Promise<string> {
    return schemaFingerprint(this.#programs, this.#connection, this.#name, signal)
  }

  /** Starts a compressed dump of this moment. */
  dump(scope: DumpScope, signal: AbortSignal): Pipeline {
    const command = dumpCommand(this.#programs, this.#connection, this.#name, scope)
    return startPipeline([command, compressCommand(this.#programs)], signal)
  }

  populatedViews(): Promise<RelationName[]> {
    return populatedViews(this.#holder)
  }

  contentHashes(): Promise<ContentHash[]> {
    return contentHashes(this.#holder)
  }

  /** Makes the slot permanent, so that the log from this moment on is kept for incrementals. @param id of this backup */
  async keepSlot(slot: string, id: string): Promise<void> {
    await this.#exported.keep(this.#control, slot)
    await markTip(this.#control, id)
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#holder.end(), this.#exported.close()])
  }
}

async function lockError(error: unknown, control: Client, lockTimeoutMs: number): Promise<unknown> {
  if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) return error
  return blockedBy(control, {
    code: 'TABLES_LOCKED',
    what: `Transactions that change tables have kept the backup from them for more than ${lockTimeoutMs / 1000} s`,
    condition: `pid IN (SELECT pid FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND locktype = 'relation'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`,
  })
}
