import type { ReplayOptions, ReplayOutcome } from '../../adapters/postgres/replay.ts'
import type { RestoreProgress } from '../../adapters/postgres/target.ts'
import type { BackupCatalog } from '../../adapters/store/catalog.ts'
import {
  type Catalog,
  chainsOf,
  parseRestoreTarget,
  planRestore,
  type RestorePlan,
  type RestoreTarget,
  tipOf,
  unusableAfter,
} from '../../domain/backup/chain.ts'
import {
  type BackupManifest,
  type BackupObject,
  type ColumnName,
  type IncrementalManifest,
  type Point,
  type RelationName,
  type SequenceState,
  storedBytes,
} from '../../domain/backup/manifest.ts'
import { afterChange, EmrError, ExitCode } from '../../errors.ts'
import { noBackup } from './no-backup.ts'
import type { Progress } from './ports.ts'

/** What a restore does to its target; made by adapters/postgres. */
export interface RestoreSteps {
  begin(backup: string, lsn: string, end: string, roles: readonly string[]): Promise<RestoreProgress>
  /** Types, functions, tables, views. */
  schema(backup: BackupManifest): Promise<void>
  data(backup: BackupManifest, object: BackupObject): Promise<void>
  /** Keys and indexes: the replay finds its rows by them. */
  indexes(backup: BackupManifest): Promise<void>
  /** Notes what is done next. */
  enter(phase: RestoreProgress['phase']): Promise<void>
  replay(backup: BackupManifest, object: BackupObject, options: ReplayOptions): Promise<ReplayOutcome>
  setIdentities(columns: readonly ColumnName[], generated: 'BY DEFAULT' | 'ALWAYS'): Promise<void>
  setSequences(states: readonly SequenceState[]): Promise<void>
  /** Foreign keys, triggers, rules and whatever else would act while rows are written. */
  rest(backup: BackupManifest): Promise<void>
  /** @param views undefined for all */
  refreshViews(views: readonly RelationName[] | undefined): Promise<void>
  finish(): Promise<void>
}

export interface RestoreResult {
  backup: string
  environment: string
  database: string
  /** Nothing that was committed after this time or beyond this position is in it. */
  point: Point
  /** Undefined where none was replayed. */
  lastTransaction?: Point
  incrementals: number
  transactions: number
  resumed: boolean
  durationMs: number
}

/**
 * What to restore.
 * @param to end, time, LSN or backup; undefined for the end of the newest chain
 * @throws {EmrError} NO_BACKUP, BACKUPS_UNUSABLE, RESTORE_TARGET_UNKNOWN, RESTORE_OUT_OF_RANGE (exit 2, or 1 for the first two)
 */
export async function prepareRestore(
  catalog: Pick<BackupCatalog, 'read'>,
  to: string | undefined,
): Promise<RestorePlan> {
  const { manifests, damaged } = await catalog.read()
  const found = chainsOf(manifests)
  const { chains } = found
  if (chains.length === 0) throw noBackup('restore')
  if (to === undefined) refuseUnusable(found, damaged)
  const ids = manifests.map(({ id }) => id)
  const target: RestoreTarget | undefined = to === undefined ? { kind: 'end' } : parseRestoreTarget(to, ids)
  if (!target) {
    throw new EmrError(`'${to}' is no backup of this store, no time with a zone and no LSN`, {
      code: 'RESTORE_TARGET_UNKNOWN',
      exitCode: ExitCode.usage,
      suggestions: ['emr db-backup list', '--to 2026-03-14T03:15:00Z', '--to 16/B374D848'],
    })
  }
  const plan = planRestore(chains, target)
  if (plan) return plan
  const windows = chains.map(({ full, incrementals }) => {
    return `  ${full.end.time} to ${(incrementals.at(-1) ?? full).end.time}`
  })
  throw new EmrError(`No chain of backups reaches ${to}; what can be restored:\n${windows.join('\n')}`, {
    code: 'RESTORE_OUT_OF_RANGE',
    exitCode: ExitCode.usage,
    suggestions: ['emr db-backup list'],
  })
}

/** The newest that can be restored is not what was asked for where later backups cannot: that is for people to decide. */
function refuseUnusable(catalog: Catalog, damaged: readonly { id: string }[]): void {
  const unusable = unusableAfter(catalog, damaged)
  const last = catalog.chains.at(-1)
  if (unusable.length === 0 || !last) return
  const { id, end } = tipOf(last)
  const ids = unusable.map((one) => one.id)
  throw new EmrError(
    `What was committed after ${end.time} cannot be restored: ${ids.join(', ')} are damaged or go on from a backup that is gone`,
    {
      code: 'BACKUPS_UNUSABLE',
      exitCode: ExitCode.failed,
      suggestions: [`--to ${id}  (the newest that can be restored)`, 'emr db-backup verify'],
      details: { unusable: ids },
    },
  )
}

interface RestoreRun {
  jobs: number
  noOwner: boolean
  progress: Progress
  signal: AbortSignal
}

type Restored = Pick<RestoreResult, 'point' | 'lastTransaction' | 'transactions' | 'resumed'>

/** Restores a plan into an empty database, or goes on with a replay that was stopped. */
export async function restore(steps: RestoreSteps, plan: RestorePlan, run: RestoreRun): Promise<Restored> {
  const { full, incrementals } = plan
  const wanted = (incrementals.at(-1) ?? full).end.lsn
  const begun = await steps.begin(full.id, full.end.lsn, wanted, run.noOwner ? [] : full.roles)
  return afterChange('the restore had begun: the database is not complete', () =>
    restoreFrom(begun, steps, plan, run),
  )
}

async function restoreFrom(
  begun: RestoreProgress,
  steps: RestoreSteps,
  plan: RestorePlan,
  run: RestoreRun,
): Promise<Restored> {
  const { full, incrementals } = plan
  const { progress, signal } = run
  const last = incrementals.at(-1)
  const resumed = begun.phase === 'replay'
  const read = resumed ? incrementals : [full, ...incrementals]
  progress.total(read.reduce((sum, backup) => sum + storedBytes(backup), 0))
  if (!resumed) await load(steps, plan, run)
  if (last) await steps.setIdentities(full.identities, 'BY DEFAULT')
  let transactions = 0
  let lastTransaction: Point | undefined
  for (const incremental of incrementals) {
    const object = segmentOf(incremental)
    progress.step(`Replay ${incremental.id}`)
    signal.throwIfAborted()
    const { untilTime, untilLsn } = plan
    const { extensionTables = [] } = full
    const options = { after: begun.lsn, untilTime, untilLsn, extensionTables, signal }
    const done = await steps.replay(incremental, object, options)
    transactions += done.transactions
    lastTransaction = done.last ?? lastTransaction
    if (done.ended) break
  }
  if (last) {
    progress.step('Set the sequences')
    await steps.setSequences(last.sequences)
  }
  // A run that was stopped may have left them as the replay needs them.
  if (last || resumed) await steps.setIdentities(full.identities, 'ALWAYS')
  progress.step('Restore foreign keys, triggers and rules')
  await steps.rest(full)
  progress.step('Refresh the materialised views')
  await steps.refreshViews((last ?? full).populatedViews)
  await steps.finish()
  return { point: plan.end, lastTransaction, transactions, resumed }
}

async function load(
  steps: RestoreSteps,
  { full }: RestorePlan,
  { jobs, progress }: { jobs: number; progress: Progress },
): Promise<void> {
  progress.step('Restore the tables')
  await steps.schema(full)
  progress.step('Load the data')
  await eachOf(
    full.objects.filter(({ content }) => content === 'data'),
    jobs,
    (object) => steps.data(full, object),
  )
  await steps.enter('index')
  progress.step('Build keys and indexes')
  await steps.indexes(full)
  await steps.enter('replay')
}

/** Runs a task for each item, so many at a time; after a failure no further one is started. */
async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  let failed = false
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined && !failed; item = waiting.shift()) {
      await task(item).catch((error) => {
        failed = true
        throw error
      })
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: atOnce }, worker))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

function segmentOf({ id, objects }: IncrementalManifest): BackupObject {
  const object = objects.find(({ content }) => content === 'segment')
  if (!object) throw new Error(`${id} has no segment`)
  return object
}
