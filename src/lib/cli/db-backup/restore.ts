import { connectionLoss, type DatabaseConnection } from '../../adapters/postgres/connection.ts'
import { dropDatabase } from '../../adapters/postgres/create-database.ts'
import { PostgresRestoreSteps } from '../../adapters/postgres/restore-steps.ts'
import { dropAbandonedScratch, scratchName } from '../../adapters/postgres/scratch.ts'
import { RestoreTarget } from '../../adapters/postgres/target.ts'
import type { TransferOptions } from '../../adapters/store/transfer.ts'
import { resolveEnvironment } from '../../config/environment.ts'
import type { RestorePlan } from '../../domain/backup/chain.ts'
import type { Environment } from '../../domain/environment.ts'
import { ExitCode, messageOf } from '../../errors.ts'
import { drillView, restoreView } from '../../output/backup-view.ts'
import { printNote } from '../../output/door.ts'
import type { Meter } from '../../output/meter.ts'
import { stderrTheme, stdoutTheme, symbols } from '../../output/theme.ts'
import { type DrillResult, drill, type Scratch } from '../../workflows/backup/drill.ts'
import { prepareRestore, type RestoreResult, restore } from '../../workflows/backup/restore.ts'
import type { CommandContext, Report } from '../base-command.ts'
import { confirm } from '../confirm.ts'
import { usageError } from '../flags.ts'
import { withInfrastructureFacts } from '../infrastructure-facts.ts'
import { operationId } from '../operation-id.ts'
import type { Session } from '../session.ts'
import { type CreateFlags, requestOf, type TransferFlags, withSource } from './create.ts'
import { databaseConnection } from './database.ts'
import { throughJob } from './job.ts'
import { type BackupSession, metered, openBackupSession } from './session.ts'

export interface RestoreFlags extends TransferFlags {
  target: string
  'target-environment': string | undefined
  to: string | undefined
  'no-owner': boolean
  yes: boolean
  confirm: string | undefined
}

/** `emr db-backup restore` */
export async function runRestore(
  flags: RestoreFlags,
  context: CommandContext,
): Promise<Report<RestoreResult>> {
  refuseTarget(flags.target)
  const target = flags['target-environment']
  // The environment that is written to is the one to name.
  const confirmed = target === undefined ? flags.confirm : undefined
  const session = await openBackupSession({ ...flags, confirm: confirmed }, context, {
    database: target === undefined,
  })
  const receiving = target ? await receivingEnvironment(session, target) : session.environment
  const view = (result: RestoreResult) => restoreView(result, stdoutTheme)
  const there = await restoreThere(session, receiving, flags, context, view)
  if (there) return there
  const plan = await prepareRestore(session.catalog, flags.to)
  const server = await databaseConnection({ ...session, environment: receiving }, session.signal)
  const action = `restore ${plan.full.environment} into database ${flags.target} at ${server.host}:${server.port}`
  await confirm(receiving, action, { ...flags, ...context })
  const startedAt = Date.now()
  const title = `Restore ${session.environment.name} into ${flags.target}`
  const maxRate = flags['max-rate'] ?? session.settings.maxRate
  const done = await metered(title, session, maxRate, (meter, transfer) =>
    restoreInto(
      session,
      { ...server, database: flags.target },
      plan,
      flags,
      meter,
      transfer,
      async (_target, outcome) => outcome,
    ),
  )
  const result: RestoreResult = {
    backup: (plan.incrementals.at(-1) ?? plan.full).id,
    environment: session.environment.name,
    database: flags.target,
    incrementals: plan.incrementals.length,
    durationMs: Date.now() - startedAt,
    ...done,
  }
  return { document: result, text: view(result) }
}

/** Databases that a server has for itself: what is in template1 would be in every new database. */
const OF_THE_SERVER = ['postgres', 'template0', 'template1', 'rdsadmin']

/** @throws {EmrError} USAGE (exit 2) */
export function refuseTarget(name: string): void {
  if (OF_THE_SERVER.includes(name))
    throw usageError(`${name} is the server's own database, and none to restore into`, [
      '--target OTHER_NAME (a database that does not exist yet is made)',
    ])
  const bytes = Buffer.byteLength(name)
  if (bytes === 0 || bytes > 63 || name.includes('\0'))
    throw usageError(`'${name}' is no name of a database: it has ${bytes} bytes, and 1 to 63 are possible`)
}

/** The restore as a Job of the cluster, where that is wanted; asked about here, where somebody can answer. */
async function restoreThere(
  session: BackupSession,
  receiving: Environment,
  flags: RestoreFlags,
  context: CommandContext,
  view: (result: RestoreResult) => string,
): Promise<Report<RestoreResult> | undefined> {
  const { environment, settings } = session
  if ((flags.via ?? settings.via) === 'direct') return undefined
  if (receiving.name !== environment.name)
    throw usageError(
      `A Job of ${environment.name} has no rights in ${receiving.name}, so it cannot restore there`,
      ['--via direct, on a host that reaches both'],
    )
  await confirm(receiving, `restore ${environment.name} into its database ${flags.target}`, {
    ...flags,
    ...context,
  })
  const answered = { ...flags, yes: true, confirm: receiving.name }
  return throughJob(session, 'restore', answered, view)
}

/** Restores a plan and hands the restored database on, still connected. */
async function restoreInto<T>(
  { catalog, runner, settings, signal }: BackupSession,
  connection: DatabaseConnection,
  plan: RestorePlan,
  flags: { jobs: number | undefined; 'no-owner': boolean },
  progress: Meter,
  transfer: TransferOptions,
  then: (target: RestoreTarget, outcome: Awaited<ReturnType<typeof restore>>) => Promise<T>,
): Promise<T> {
  const jobs = flags.jobs ?? settings.jobs
  const noOwner = flags['no-owner']
  const target = await RestoreTarget.open(connection, connection.database, plan.full, runner)
  const steps = new PostgresRestoreSteps(target, catalog, runner, { ...transfer, jobs, noOwner })
  try {
    return await then(target, await restore(steps, plan, { jobs, noOwner, progress, signal }))
  } catch (error) {
    throw connectionLoss(
      connection,
      error,
      'type the same command again when the server is up: it goes on, or says what to drop first',
    )
  } finally {
    await steps.dispose()
    await target.close()
  }
}

/** Another environment, whose database takes the backup. */
function receivingEnvironment(session: Session, name: string): Promise<Environment> {
  const environment = resolveEnvironment(session.config, name)
  return withInfrastructureFacts({ ...session, environment }, { database: true, backup: false })
}

/** `emr db-backup drill` */
export async function runDrill(
  flags: CreateFlags & { 'no-owner': boolean },
  context: CommandContext,
): Promise<Report<DrillResult>> {
  const session = await openBackupSession(flags, context, { database: true })
  const view = (result: DrillResult) => drillView(result, stdoutTheme)
  const there = await throughJob(session, 'drill', flags, view)
  if (there) return there
  const server = await databaseConnection(session, session.signal)
  const title = `Restore drill of ${session.environment.name}`
  const result = await withSource(session, title, flags, (ports, transfer, meter) =>
    drill(ports, requestOf(flags, session), scratchOf(session, server, flags, meter, transfer)),
  )
  const { catalog } = session
  const content = `${JSON.stringify(result, null, 2)}\n`
  const problem = await catalog.store
    .put(catalog.recordKey(`drills/${result.id}.json`), content)
    .then(() => undefined)
    .catch((error: unknown) => `the drill is not on record in the store: ${messageOf(error)}`)
  if (problem !== undefined) printNote(`${stderrTheme.warn(symbols.warn)} ${problem}`)
  return {
    document: problem === undefined ? result : { ...result, reportingProblems: [problem] },
    text: view(result),
    exitCode: result.ok ? ExitCode.ok : ExitCode.failed,
  }
}

/** A restore into a database of its own, which is dropped whatever happens. */
export function scratchOf(
  session: BackupSession,
  server: DatabaseConnection,
  flags: { jobs: number | undefined; 'no-owner': boolean },
  meter: Meter,
  transfer: TransferOptions,
): Scratch {
  const connection = { ...server, database: scratchName(operationId()) }
  return async (plan) => {
    await dropAbandonedScratch(server)
    const startedAt = Date.now()
    try {
      return await restoreInto(session, connection, plan, flags, meter, transfer, async (target) => {
        const durationMs = Date.now() - startedAt
        return { ...(await target.content()), durationMs }
      })
    } finally {
      await dropDatabase(connection)
    }
  }
}
