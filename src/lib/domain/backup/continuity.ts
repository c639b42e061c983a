import { compareLsn, type Lsn } from './lsn.ts'
import type { BackupManifest, DatabaseIdentity } from './manifest.ts'

/** What the source says at the beginning of an incremental. */
export interface SourceState {
  database: DatabaseIdentity
  serverMajor: number
  hasPublication: boolean
  /** Those that note changes of the schema in the log. */
  hasTriggers: boolean
  /** The chain's slot, or undefined when it is gone. */
  slot: { confirmedFlushLsn: string; walStatus: string } | undefined
  schemaFingerprint: string
  /** Things whose changes the log does not tell: unlogged tables, large objects. */
  uncaptured: string[]
}

/**
 * Whether a chain can go on.
 * @param position where the end of the next backup is marked in the log
 * @returns why it cannot, to be shown; undefined when it can
 */
export function chainBreak(tip: BackupManifest, source: SourceState, position: Lsn): string | undefined {
  const { database, slot } = source
  if (database.systemId !== tip.database.systemId) return 'the database server is another one'
  // Known only where somebody may ask AWS.
  const ids = [database.resourceId, tip.database.resourceId]
  if (!ids.includes(undefined) && ids[0] !== ids[1]) return 'the RDS instance is another one'
  if (database.oid !== tip.database.oid || database.name !== tip.database.name)
    return 'the database was made anew'
  if (database.timeline !== tip.database.timeline) {
    return `the server is on timeline ${database.timeline}, the chain on ${tip.database.timeline} (a failover or a restore)`
  }
  if (compareLsn(position, tip.end.lsn) < 0) {
    return `the server was set back: its log ends before the last backup (${position} < ${tip.end.lsn})`
  }
  if (source.serverMajor !== tip.serverMajor) return `the server was upgraded to ${source.serverMajor}`
  if (slot === undefined) return `the replication slot ${tip.slot} is gone`
  if (slot.walStatus === 'lost') return `the replication slot ${tip.slot} has lost the log that it kept`
  if (compareLsn(slot.confirmedFlushLsn, tip.end.lsn) > 0) {
    return `the replication slot ${tip.slot} is ahead of the last backup (${slot.confirmedFlushLsn} > ${tip.end.lsn})`
  }
  if (!source.hasPublication) return 'the publication is gone'
  if (!source.hasTriggers) return 'the event triggers that note changes of the schema are gone or disabled'
  // What is gone by now stands in the full one, and the log does not tell that it went either.
  const held = tip.kind === 'full' ? (tip.uncaptured ?? []) : []
  const unseen = new Set([...source.uncaptured, ...held])
  if (unseen.size > 0) return `the log does not tell the changes of ${[...unseen].join(', ')}`
  if (source.schemaFingerprint !== tip.schemaFingerprint) return 'the schema has changed'
  return undefined
}
