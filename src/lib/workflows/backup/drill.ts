import type { ContentHash } from '../../adapters/postgres/content.ts'
import { chainsOf, planRestore, type RestorePlan, tipOf } from '../../domain/backup/chain.ts'
import type { Point, RelationName } from '../../domain/backup/manifest.ts'
import { tableName } from '../../domain/backup/replay.ts'
import { incrementalBackup } from './incremental.ts'
import type { BackupPorts, BackupRequest, Progress, Snapshot } from './ports.ts'

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
  /** What could not be written to the records. */
  reportingProblems?: string[]
}

/** Restores a plan into a database of its own, reads it, and drops it. */
export type Scratch = (
  plan: RestorePlan,
) => Promise<{ tables: ContentHash[]; populatedViews: RelationName[]; durationMs: number }>

/**
 * Proves that the backups restore: takes an incremental, restores up to a moment of the source that it covers, and compares
 * every table. Where the chain ended and a full backup was made instead, the moment is that backup's.
 */
export async function drill(
  ports: BackupPorts,
  request: BackupRequest,
  scratch: Scratch,
): Promise<DrillResult> {
  const { catalog, progress, id, environment } = ports
  const before = chainsOf((await catalog.read()).manifests).chains.at(-1)
  const { point, tables: source, populatedViews } = await momentOfSource(ports, request)
  const { chains } = chainsOf((await catalog.read()).manifests)
  const plan = planRestore(chains, { kind: 'lsn', lsn: point.lsn })
  if (!plan) throw new Error(`no chain reaches ${point.lsn}`)
  const restored = await scratch(plan)
  progress.step('Compare every table with the source')
  const differences = differencesOf(source, restored.tables)
  const populated = new Set(restored.populatedViews.map(tableName))
  const unpopulatedViews = populatedViews.map(tableName).filter((name) => !populated.has(name))
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
}

/** Backs up, and reads a moment of the source that the backup covers. */
async function momentOfSource(ports: BackupPorts, request: BackupRequest): Promise<Moment> {
  const { source, progress, slotPrefix, id } = ports
  // What it may have to alter is locked from then on.
  await source.installGuard(request.fixIdentity)
  progress.step('Hold a moment of the source')
  const slot = `${slotPrefix}${id.toLowerCase().replaceAll('-', '_')}_drill`
  const held = await source.snapshot(slot, request.lockTimeoutMs)
  try {
    let ofFull: Moment | undefined
    const inspect = async (snapshot: Snapshot) => {
      ofFull = await read(snapshot, progress)
    }
    await incrementalBackup({ ...ports, inspect }, request)
    // The beginning of a full backup is later than what was held.
    return ofFull ?? (await read(held, progress))
  } finally {
    await held.close()
  }
}

interface Moment {
  point: Point
  tables: ContentHash[]
  populatedViews: RelationName[]
}

async function read(snapshot: Snapshot, progress: Progress): Promise<Moment> {
  progress.step('Read every table of the source')
  const tables = await snapshot.contentHashes()
  return { point: snapshot.point, tables, populatedViews: await snapshot.populatedViews() }
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
