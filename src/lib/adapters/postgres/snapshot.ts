import type { Client } from 'pg'
import type { FullManifest, Point, RelationName } from '../../domain/backup/manifest.ts'
import type { TableSize } from '../../domain/backup/parts.ts'
import { type Pipeline, startPipeline } from '../../process/pipeline.ts'
import { connect, type DatabaseConnection } from './connection.ts'
import { type ContentHash, contentHashes } from './content.ts'
import {
  alwaysIdentities,
  databaseLocale,
  isoTime,
  referencedRoles,
  tableSizes,
  uncaptured,
} from './facts.ts'
import { schemaFingerprint } from './fingerprint.ts'
import { markTip } from './mark.ts'
import { type ClientPrograms, compressCommand, type DumpScope, dumpCommand } from './programs.ts'
import { type ExportedSnapshot, exportSnapshot } from './slots.ts'
import { populatedViews } from './views.ts'

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
    parts: { connection: DatabaseConnection; control: Client; programs: ClientPrograms },
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

  /** See exportSnapshot. A second connection takes the snapshot over at once and passes it on to all readers. */
  static async open(
    connection: DatabaseConnection,
    control: Client,
    programs: ClientPrograms,
    slot: string,
    lockTimeoutMs: number,
  ): Promise<SourceSnapshot> {
    const exported = await exportSnapshot(connection, control, slot, lockTimeoutMs)
    const holder = await connect(connection).catch(async (error) => {
      await exported.close()
      throw error
    })
    try {
      await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      await holder.query(`SET TRANSACTION SNAPSHOT '${exported.snapshot}'`)
      const { rows } = await holder.query(
        `SELECT pg_export_snapshot() AS name, ${isoTime('clock_timestamp()')} AS time`,
      )
      return new SourceSnapshot({ connection, control, programs }, exported, holder, rows[0])
    } catch (error) {
      await Promise.allSettled([holder.end(), exported.close()])
      throw error
    }
  }

  tables(): Promise<TableSize[]> {
    return tableSizes(this.#holder)
  }

  async restoreNeeds(): Promise<
    Required<Pick<FullManifest, 'identities' | 'roles' | 'uncaptured' | 'locale' | 'populatedViews'>>
  > {
    return {
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
