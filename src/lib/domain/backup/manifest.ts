import type { Lsn } from './lsn.ts'

/** A moment of the database: everything committed before this position of its log, and nothing after it. */
export interface Point {
  lsn: Lsn
  /** ISO 8601, by the clock of the database server. */
  time: string
}

/** One file of a backup in the store. */
export interface BackupObject {
  /** Name within the backup's folder. */
  name: string
  content: 'schema' | 'data' | 'segment'
  /** As stored, compressed. */
  bytes: number
  /** SHA-256 of the stored bytes, hexadecimal. */
  sha256: string
}

/** Which database a backup is of. A chain goes on only while all of it stays the same. */
export interface DatabaseIdentity {
  name: string
  /** Made by initdb, kept for the life of a cluster and of its physical copies. */
  systemId: string
  /** Changes when a standby is promoted or a cluster is restored to a point in time. */
  timeline: number
  oid: number
  /** DbiResourceId of the RDS instance: another one after a restore, which keeps all of the above. */
  resourceId?: string
}

export interface SequenceState {
  schema: string
  name: string
  /** Text: it can be larger than a JavaScript number is exact. */
  lastValue: string
  isCalled: boolean
}

/** What CREATE DATABASE is told of texts. */
export interface DatabaseLocale {
  encoding: string
  collate: string
  ctype: string
  provider: 'libc' | 'icu' | 'builtin'
  /** Of the providers icu and builtin. */
  locale: string | null
  /** Of icu. */
  rules: string | null
}

export interface ColumnName {
  schema: string
  table: string
  column: string
}

/** A table, a view or a sequence. */
export interface RelationName {
  schema: string
  name: string
}

/** A table that belongs to an extension, so that CREATE EXTENSION makes it in the target. */
export interface ExtensionTable extends RelationName {
  extension: string
  /** Which of its rows a backup holds: those that the extension names as the user's, or none. */
  rows: 'own' | 'none'
}

interface ManifestBase {
  format: 1
  id: string
  environment: string
  /** Id of the full backup with which the chain begins. */
  chain: string
  database: DatabaseIdentity
  /** Major version of the server. */
  serverMajor: number
  /** The logical replication slot that keeps the log for the next incremental of the chain. */
  slot: string
  end: Point
  /** ISO 8601, by the clock of the machine that made the backup. */
  startedAt: string
  finishedAt: string
  /** SHA-256 of the schema as pg_dump writes it. */
  schemaFingerprint: string
  objects: BackupObject[]
  annotations: Record<string, string>
  /** Materialised views that hold rows, for a restore to refresh; undefined where an older version wrote it. */
  populatedViews?: RelationName[]
}

export interface FullManifest extends ManifestBase {
  kind: 'full'
  /** Why a chain ended here, where an incremental was asked for. */
  reason?: string
  /** Size of the tables on the server's disk; with the stored size it tells how large the next one will be. */
  tableBytes: number
  /** Columns GENERATED ALWAYS AS IDENTITY: a replay has to write into them. */
  identities: ColumnName[]
  /** What it holds whose changes the log does not tell: no incremental can go on from it. Older ones do not say. */
  uncaptured?: string[]
  /** Undefined where an older version wrote it. */
  extensionTables?: ExtensionTable[]
  /** What no backup holds, in words. */
  omitted?: string[]
  /** Roles that own something or were granted something. */
  roles: string[]
  /** Of the database; undefined where an older version wrote it. */
  locale?: DatabaseLocale
}

export interface IncrementalManifest extends ManifestBase {
  kind: 'incremental'
  /** Id of the backup that this one goes on from; its end is this one's start. */
  parent: string
  start: Point
  sequences: SequenceState[]
  transactions: number
  changes: number
}

export type BackupManifest = FullManifest | IncrementalManifest

export function storedBytes({ objects }: Pick<BackupManifest, 'objects'>): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0)
}
