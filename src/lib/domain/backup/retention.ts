import { type Catalog, type Chain, membersOf, tipOf } from './chain.ts'

export interface PruneDecision {
  id: string
  /** Everything of a chain goes or stays together. */
  chain: string
  action: 'keep' | 'delete'
  reason: string
}

/** A folder of the store without a manifest: a run that failed, was killed, or is under way. */
export interface Unfinished {
  id: string
  /** Epoch milliseconds of the youngest thing in it. */
  touchedAt: number
}

/** What is in the store beside the backups that count. */
interface NoBackups {
  /** Folders whose manifest cannot be trusted. */
  damaged: readonly { id: string }[]
  unfinished: readonly Unfinished[]
}

/** A run that is under way keeps its lock fresh; a folder older than this without a manifest is no run's any more. */
export const ABANDONED_AFTER_MS = 24 * 3_600_000

/**
 * What may go. Any moment of the last `keepMs` must stay restorable, so the newest chain that began before that time
 * stays with those after it; the newest chain always stays; what is no backup counts for nothing. A person has to look
 * at a damaged manifest, so it stays, and with it the incrementals that may go on from it and their chain.
 * @param now epoch milliseconds
 */
export function planPrune(
  { chains, orphans }: Catalog,
  { damaged, unfinished }: NoBackups,
  { keepMs, now }: { keepMs: number; now: number },
): PruneDecision[] {
  const horizon = now - keepMs
  const startOf = (chain: Chain) => Date.parse(chain.full.end.time)
  const newest = chains.at(-1)
  const base = chains.findLast((chain) => startOf(chain) <= horizon)
  const undecided = damaged.length > 0 ? orphans : []
  const decide = (chain: Chain): Pick<PruneDecision, 'action' | 'reason'> => {
    if (chain === newest) return { action: 'keep', reason: 'the newest good chain' }
    if (Date.parse(tipOf(chain).end.time) > horizon || startOf(chain) > horizon)
      return { action: 'keep', reason: 'within the time to keep' }
    if (chain === base) return { action: 'keep', reason: 'the first days of the time to keep need it' }
    if (undecided.some((orphan) => orphan.chain === chain.full.id))
      return { action: 'keep', reason: 'a damaged manifest may be part of it' }
    return { action: 'delete', reason: 'older than the time to keep, and a newer one covers it' }
  }
  return [
    ...chains.flatMap((chain) => {
      const decision = decide(chain)
      return membersOf(chain).map(({ id }) => ({ id, chain: chain.full.id, ...decision }))
    }),
    ...orphans.map(({ id, chain }): PruneDecision => {
      if (undecided.length > 0)
        return { id, chain, action: 'keep', reason: 'a damaged manifest may be what it goes on from' }
      return { id, chain, action: 'delete', reason: 'its parent is gone, so nothing can be restored from it' }
    }),
    ...damaged.map(({ id }): PruneDecision => {
      return { id, chain: id, action: 'keep', reason: 'its manifest is damaged: emr db-backup verify' }
    }),
    ...unfinished.map(({ id, touchedAt }): PruneDecision => {
      const abandoned = now - touchedAt > ABANDONED_AFTER_MS
      const reason = abandoned ? 'a run that never finished' : 'unfinished, and young enough to be under way'
      return { id, chain: id, action: abandoned ? 'delete' : 'keep', reason }
    }),
  ]
}
