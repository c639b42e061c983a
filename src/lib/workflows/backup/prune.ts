import type { BackupCatalog } from '../../adapters/store/catalog.ts'
import type { ObjectStore } from '../../adapters/store/store.ts'
import { chainsOf } from '../../domain/backup/chain.ts'
import { ABANDONED_AFTER_MS, type PruneDecision, planPrune } from '../../domain/backup/retention.ts'
import { afterChange } from '../../errors.ts'

export interface PruneResult {
  environment: string
  /** False for a dry run. */
  applied: boolean
  decisions: PruneDecision[]
  /** Uploads that never finished; they cost money and are in no listing. */
  uploads: number
}

/** What prune would do. */
export async function preparePrune(
  catalog: Pick<BackupCatalog, 'read'>,
  options: { keepMs: number; now: number },
): Promise<PruneDecision[]> {
  const { manifests, ...noBackups } = await catalog.read()
  return planPrune(chainsOf(manifests), noBackups, options)
}

/** Deletes what was decided: the youngest of a chain first, so that a stop in the middle leaves chains that are whole. */
export async function applyPrune(
  catalog: Pick<BackupCatalog, 'remove'>,
  decisions: readonly PruneDecision[],
  run: { onDelete: (id: string) => void; signal: AbortSignal },
): Promise<void> {
  const doomed = decisions.filter(({ action }) => action === 'delete').toReversed()
  const deleted: string[] = []
  for (const { id } of doomed) {
    run.signal.throwIfAborted()
    run.onDelete(id)
    // What is removed object by object may be gone in part.
    await afterChange(deletedText([...deleted, id]), () => catalog.remove(id))
    deleted.push(id)
  }
}

function deletedText(ids: string[]): string {
  return `deleted, the last one maybe in part: ${ids.join(', ')}`
}

/** @returns the number of uploads that nobody will finish any more, after aborting them where `apply` */
export async function abortForgottenUploads(
  store: Pick<ObjectStore, 'unfinishedUploads'>,
  prefix: string,
  { apply, now }: { apply: boolean; now: number },
): Promise<number> {
  const uploads = await store.unfinishedUploads(prefix)
  const forgotten = uploads.filter(({ startedAt }) => now - startedAt > ABANDONED_AFTER_MS)
  if (apply) for (const upload of forgotten) await upload.abort()
  return forgotten.length
}
