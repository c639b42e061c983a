import { readSlots } from '../../adapters/postgres/source.ts'
import { StoreLock } from '../../adapters/store/lock.ts'
import { afterChange, ExitCode } from '../../errors.ts'
import { listView, pruneView, statusView } from '../../output/backup-view.ts'
import { runTasks } from '../../output/task-list.ts'
import { stdoutTheme } from '../../output/theme.ts'
import { type BackupList, listBackups } from '../../workflows/backup/list.ts'
import {
  abortForgottenUploads,
  applyPrune,
  type PruneResult,
  preparePrune,
} from '../../workflows/backup/prune.ts'
import { type BackupStatus, judgeStatus } from '../../workflows/backup/status.ts'
import type { CommandContext, Report } from '../base-command.ts'
import { confirm } from '../confirm.ts'
import type { SessionFlags } from '../session.ts'
import { databaseConnection } from './database.ts'
import { throughJob, type Via } from './job.ts'
import { openBackupSession } from './session.ts'

/** `emr db-backup list` */
export async function runList(flags: SessionFlags, context: CommandContext): Promise<Report<BackupList>> {
  const { catalog, environment } = await openBackupSession(flags, context)
  const where = { environment: environment.name, store: catalog.store.url }
  const list = listBackups(await catalog.read(), where, Date.now())
  return { document: list, text: listView(list, stdoutTheme) }
}

/** `emr db-backup status`: exit 1 when something is beyond its threshold, so that an alarm can be built on it. */
export async function runStatus(
  flags: SessionFlags & { via: Via | undefined },
  context: CommandContext,
): Promise<Report<BackupStatus>> {
  const session = await openBackupSession(flags, context, { database: true })
  const view = (status: BackupStatus) => statusView(status, stdoutTheme)
  const there = await throughJob(session, 'status', flags, view)
  if (there) return there
  const { catalog, environment, settings, slotPrefix, signal } = session
  const connection = await databaseConnection(session, signal)
  const [content, server] = await Promise.all([catalog.read(), readSlots(connection, slotPrefix)])
  const where = { environment: environment.name, store: catalog.store.url }
  const status = judgeStatus({ content, ...server, alarm: settings.alarm, now: Date.now() }, where)
  return {
    document: status,
    text: view(status),
    exitCode: status.ok ? ExitCode.ok : ExitCode.failed,
  }
}

export interface PruneFlags extends SessionFlags {
  apply: boolean
  keep: number | undefined
  yes: boolean
  confirm: string | undefined
}

/** `emr db-backup prune`: says what may go; with --apply it goes. */
export async function runPrune(flags: PruneFlags, context: CommandContext): Promise<Report<PruneResult>> {
  const session = await openBackupSession(flags, context)
  const { catalog, environment, settings, signal } = session
  const now = Date.now()
  const options = { keepMs: flags.keep ?? settings.keepMs, now }
  const planned = await preparePrune(catalog, options)
  const doomed = planned.filter(({ action }) => action === 'delete').length
  const prefix = `${environment.name}/`
  if (!flags.apply) {
    const uploads = await abortForgottenUploads(catalog.store, prefix, { apply: false, now })
    const result = { environment: environment.name, applied: false, decisions: planned, uploads }
    return { document: result, text: pruneView(result, stdoutTheme) }
  }
  await confirm(environment, `delete ${doomed} backups of ${environment.name}`, { ...flags, ...context })
  const lock = await StoreLock.take(catalog.store, catalog.recordKey('lock'), `Prune of ${environment.name}`)
  try {
    // What was decided before the question may have changed while it was open.
    const decisions = await preparePrune(catalog, options)
    await runTasks([
      {
        title: `Delete backups of ${environment.name}`,
        task: (_context, task) =>
          applyPrune(catalog.held(lock), decisions, {
            onDelete: (id) => {
              task.output = id
            },
            signal,
          }),
      },
    ])
    const uploads = await afterChange('the backups were deleted', async () => {
      await lock.confirm()
      return abortForgottenUploads(catalog.store, prefix, { apply: true, now })
    })
    const result = { environment: environment.name, applied: true, decisions, uploads }
    return { document: result, text: pruneView(result, stdoutTheme) }
  } finally {
    await lock.release()
  }
}
