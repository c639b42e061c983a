import type { SourceSnapshot } from '../../adapters/postgres/snapshot.ts'
import type { PostgresSource } from '../../adapters/postgres/source.ts'
import type { BackupCatalog } from '../../adapters/store/catalog.ts'
import type { BackupObject } from '../../domain/backup/manifest.ts'
import type { Pipeline } from '../../process/pipeline.ts'

/** What the user asked for of a full or an incremental backup. */
export interface BackupRequest {
  /** Archives that are written at the same time. */
  jobs: number
  fixIdentity: boolean
  /** Milliseconds to wait for open write transactions. */
  lockTimeoutMs: number
  annotations: Record<string, string>
}

/** The outside world, as a backup sees it. */
export interface BackupPorts {
  /** Identifies this backup; sorts by time. */
  id: string
  environment: string
  source: Pick<PostgresSource, keyof PostgresSource>
  catalog: Pick<BackupCatalog, 'keyOf' | 'read' | 'publish' | 'discard'>
  /** Stores what programs put out under a key. */
  store: (
    key: string,
    programs: Pick<Pipeline, 'stdout' | 'done'>,
  ) => Promise<Pick<BackupObject, 'bytes' | 'sha256'>>
  /** Packs a stream of changes; see compress in adapters/postgres/programs. */
  compress: (source: AsyncIterable<Buffer>) => Pick<Pipeline, 'stdout' | 'done'>
  /** Looks at the moment that a full backup holds, once its data has been read. */
  inspect?: (snapshot: Snapshot) => Promise<void>
  /** Beginning of the names of all slots that belong to this store and environment. */
  slotPrefix: string
  progress: Progress
  signal: AbortSignal
  /** Epoch milliseconds. */
  now: () => number
}

/** How far a run is, for people. */
export interface Progress {
  /** A step has begun. */
  step(title: string): void
  /** Work begins that is estimated to have so many bytes; undefined where nobody can know. They are counted from here. */
  total(bytes: number | undefined): void
}

export type Snapshot = Pick<SourceSnapshot, keyof SourceSnapshot>
