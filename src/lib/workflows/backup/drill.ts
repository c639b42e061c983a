import type { ContentHash } from '../../adapters/postgres/content.ts'
import { chainsOf, planRestore, type RestorePlan, tipOf } from '../../domain/backup/chain.ts'
import type { Point, RelationName } from '../../domain/backup/manifest.ts'
import { tableName } from '../../domain/backup/replay.ts'
import { incrementalBackup } from './incremental.ts'
import type { BackupPorts, BackupRequest, Snapshot } from './ports.ts'

export interface DrillResult {
  id: string
  environment: string
  ok: boolean
  /** The moment at which source and restored copy were compared. */
  point: Point
  /** Milliseconds of work that a loss at the beginning of the drill would have cost; null without a backup. */
  rpoMs: number | null
  /** Milliseconds that the restore took. */
  rtoMs: number
  tables: number
  rows: number
  /** Tables that are not what they are in the source. */
  differences: { table: string; sourceRows: number | null; restoredRows: number | null }[]
  /** Materialised views that hold rows in the source and none in the copy. */
  unpopulatedViews: string[]
}

/** Restores a plan into a database of its own, reads it, and drops it. */
export type Scratch = (
  plan: RestorePlan,
) => Promise<{ tables: ContentHash[]; populatedViews: RelationName[]; durationMs: number }>

/**
 * Proves that the backups restore: holds a moment of the source, takes an incremental that goes beyond it, restores up
 * to that very moment and compares every table.
 */
export async function drill(
  ports: BackupPorts,
  request: BackupRequest,
  scratch: Scratch,
): Promise<DrillResult> {
  const { progress, catalog, id, environment } = ports
  const before = chainsOf((await catalog.read()).manifests).chains.at(-1)
  const snapshot = await beyond(ports, request)
  try {
    const { point } = snapshot
    const { chains } = chainsOf((await catalog.read()).manifests)
    const plan = planRestore(chains, { kind: 'lsn', lsn: point.lsn })
    if (!plan) throw new Error(`no chain reaches ${point.lsn}`)
    const restored = await scratch(plan)
    progress.step('Compare every table with the source')
    const source = await snapshot.contentHashes()
    const differences = differencesOf(source, restored.tables)
    const populated = new Set(restored.populatedViews.map(tableName))
    const unpopulatedViews = (await snapshot.populatedViews())
      .map(tableName)
      .filter((name) => !populated.has(name))
    const lastEnd = before && Date.parse(tipOf(before).end.time)
    return {
      id,
      environment,
      ok: differences.length === 0 && unpopulatedViews.length === 0,
      point,
      rpoMs: lastEnd === undefined ? null : Math.max(0, Date.parse(point.time) - lastEnd),
      rtoMs: restored.durationMs,
      tables: source.length,
      rows: source.reduce((sum, { rows }) => sum + rows, 0),
      differences,
      unpopulatedViews,
    }
  } finally {
    await snapshot.close()
  }
}

/** A moment of the source that an incremental covers. Where that became a full one, the moment is before it: again. */
async function beyond(ports: BackupPorts, request: BackupRequest): Promise<Snapshot> {
  for (let attempt = 1; ; attempt += 1) {
    const run = attempt === 1 ? ports : { ...ports, id: `${ports.id}-${attempt}` }
    run.progress.step('Hold a moment of the source')
    const slot = `${ports.slotPrefix}${ports.id.toLowerCase().replaceAll('-', '_')}_drill`
    const snapshot = await ports.source.snapshot(slot, request.lockTimeoutMs)
    try {
      const { kind } = await incrementalBackup(run, request)
      if (kind === 'incremental') return snapshot
      if (attempt === 3) throw new Error('the schema changes all the time; run the drill at a quieter one')
      await snapshot.close()
    } catch (error) {
      await snapshot.close()
      throw error
    }
  }
}

function differencesOf(
  source: readonly ContentHash[],
  restored: readonly ContentHash[],
): DrillResult['differences'] {
  const names = new Set([...source, ...restored].map(({ table }) => table))
  return [...names].flatMap((table) => {
    const a = source.find((entry) => entry.table === table)
    const b = restored.find((entry) => entry.table === table)
    if (a && b && a.hash === b.hash && a.rows === b.rows) return []
    return [{ table, sourceRows: a?.rows ?? null, restoredRows: b?.rows ?? null }]
  })
}
