import { RdsSnapshots } from '../../adapters/aws/rds-snapshots.ts'
import { runTasks } from '../../output/task-list.ts'
import { symbols, stdoutTheme as theme } from '../../output/theme.ts'
import { type SnapshotResult, snapshotTasks } from '../../workflows/backup/snapshot.ts'
import type { CommandContext, Report } from '../base-command.ts'
import { withInfrastructureFacts } from '../infrastructure-facts.ts'
import { operationId } from '../operation-id.ts'
import { openSession, type SessionFlags } from '../session.ts'
import { parseAnnotations } from './create.ts'
import { notConfigured } from './database.ts'

export interface SnapshotFlags extends SessionFlags {
  annotate: string[] | undefined
}

/** `emr db-backup snapshot`: RDS's own snapshot of the whole instance. */
export async function runSnapshot(
  flags: SnapshotFlags,
  context: CommandContext,
): Promise<Report<SnapshotResult>> {
  const session = await openSession(flags, context.signal)
  const { signal } = session
  const { aws, database, backup, name } = await withInfrastructureFacts(session, {
    database: true,
    backup: false,
  })
  if (!aws)
    throw notConfigured(
      name,
      'aws: {accountId: …, region: …}: snapshots are made by RDS (elsewhere: db-backup full)',
    )
  const instance = database?.instance
  if (!instance) throw notConfigured(name, 'database.instance')
  const { assertAccount, callerIdentity } = await import('../../adapters/aws/account.ts')
  assertAccount(await callerIdentity(aws, signal), aws, name)
  const copy = backup?.snapshotCopy
  const tags = {
    ...parseAnnotations(flags.annotate ?? []),
    'emr:environment': name,
    'emr:made-by': 'emr db-backup',
  }
  // RDS takes letters, digits and single dashes.
  const id = `emr-${name}-${operationId().toLowerCase()}`
  const run = snapshotTasks(
    { environment: name, instance, id, tags, kmsKeyId: copy?.kmsKeyId },
    new RdsSnapshots(aws),
    copy && new RdsSnapshots({ ...aws, region: copy.region }),
    signal,
  )
  await runTasks(run.tasks)
  const result = run.result()
  const also = result.copy ? `, and its copy in ${result.copy.region}` : ''
  const encrypted = result.snapshot.encrypted ? 'encrypted' : 'NOT encrypted'
  const text = [
    `${theme.good(symbols.good)} ${name}: snapshot ${theme.strong(id)} of ${instance} is available (${encrypted})${also}`,
    `  next: aws rds restore-db-instance-from-db-snapshot --db-snapshot-identifier ${id} --db-instance-identifier NEW_NAME`,
  ]
  return { document: result, text: text.join('\n') }
}
