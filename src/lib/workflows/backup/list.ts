import type { CatalogContent } from '../../adapters/store/catalog.ts'
import { chainsOf, membersOf, tipOf } from '../../domain/backup/chain.ts'
import { type BackupManifest, storedBytes } from '../../domain/backup/manifest.ts'

export interface ListedBackup {
  id: string
  kind: 'full' | 'incremental'
  /** ISO 8601: what was committed up to then is in it. */
  time: string
  lsn: string
  bytes: number
  durationMs: number
  annotations: Record<string, string>
  /** Of a full one that was meant to be an incremental. */
  reason?: string
}

/** The stable form of `emr db-backup list --json`. */
export interface BackupList {
  environment: string
  store: string
  chains: {
    id: string
    /** Any moment between these can be restored. */
    restorableFrom: string
    restorableTo: string
    bytes: number
    backups: ListedBackup[]
  }[]
  /** Incrementals whose parent is gone. */
  orphans: string[]
  damaged: { id: string; problem: string }[]
  /** Failed, killed, or under way: no backups. */
  unfinished: string[]
  lastGood: { id: string; time: string; ageMs: number } | null
}

/** @param now epoch milliseconds */
export function listBackups(
  { manifests, damaged, unfinished }: CatalogContent,
  where: { environment: string; store: string },
  now: number,
): BackupList {
  const { chains, orphans } = chainsOf(manifests)
  const last = chains.at(-1)
  const tip = last && tipOf(last)
  return {
    ...where,
    chains: chains.map((chain) => {
      const members = membersOf(chain)
      return {
        id: chain.full.id,
        restorableFrom: chain.full.end.time,
        restorableTo: tipOf(chain).end.time,
        bytes: members.reduce((sum, member) => sum + storedBytes(member), 0),
        backups: members.map(listed),
      }
    }),
    orphans: orphans.map(({ id }) => id),
    damaged,
    unfinished: unfinished.map(({ id }) => id),
    lastGood: tip ? { id: tip.id, time: tip.end.time, ageMs: now - Date.parse(tip.end.time) } : null,
  }
}

function listed(manifest: BackupManifest): ListedBackup {
  const { id, kind, end, annotations, startedAt, finishedAt } = manifest
  return {
    id,
    kind,
    time: end.time,
    lsn: end.lsn,
    bytes: storedBytes(manifest),
    durationMs: Date.parse(finishedAt) - Date.parse(startedAt),
    annotations,
    ...(manifest.kind === 'full' && manifest.reason ? { reason: manifest.reason } : {}),
  }
}
