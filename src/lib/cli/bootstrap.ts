import { assertAccount, callerIdentity } from '../adapters/aws/account.ts'
import { StateStore } from '../adapters/aws/state-store.ts'
import type { StateBackend } from '../domain/environment.ts'
import { count } from '../output/count.ts'
import { table } from '../output/table.ts'
import { runTasks } from '../output/task-list.ts'
import { symbols, stdoutTheme as theme } from '../output/theme.ts'
import {
  type BootstrapStep,
  bootstrapTasks,
  inspectStore,
  partTitle,
} from '../workflows/infrastructure/bootstrap.ts'
import type { CommandContext, Report } from './base-command.ts'
import { confirm } from './confirm.ts'
import { infrastructureOf } from './infrastructure-ports.ts'
import { openSession, type SessionFlags } from './session.ts'

interface BootstrapFlags extends SessionFlags {
  'dry-run': boolean
  yes: boolean
  confirm: string | undefined
}

interface Bootstrap {
  environment: string
  backend: StateBackend
  steps: BootstrapStep[]
}

/** `emr bootstrap`: the bucket and the table that Terraform needs before it can make anything else. */
export async function runBootstrap(
  flags: BootstrapFlags,
  context: CommandContext,
): Promise<Report<Bootstrap>> {
  const session = await openSession(flags, context.signal)
  const { aws, infrastructure, name } = infrastructureOf(session)
  const { backend } = infrastructure
  assertAccount(await callerIdentity(aws, context.signal), aws, name)
  const store = new StateStore(aws, backend, context.signal)
  const steps = await inspectStore(store)
  const missing = steps.filter(({ outcome }) => outcome === 'missing').length
  if (missing > 0 && !flags['dry-run']) {
    const what = `make the state bucket ${backend.bucket} and the lock table ${backend.table} as they should be in account ${aws.accountId}`
    await confirm(session.environment, what, { ...flags, ...context })
    await runTasks(bootstrapTasks(store, steps))
  }
  return { document: { environment: name, backend, steps }, text: bootstrapText(name, backend, steps) }
}

function bootstrapText(
  name: string,
  { bucket, table: lockTable }: StateBackend,
  steps: BootstrapStep[],
): string {
  const signs = {
    there: theme.good(symbols.good),
    made: theme.added('+'),
    missing: theme.warn(symbols.skipped),
  }
  const rows = steps.map(({ part, outcome }) => [
    `  ${signs[outcome]} ${partTitle(part)}`,
    theme.faint(outcome),
  ])
  const missing = steps.filter(({ outcome }) => outcome === 'missing').length
  const closing =
    missing > 0
      ? `${count(missing, 'part')} would be made. Nothing was changed.`
      : `  next: emr deploy ${name} --skip-services --dry-run`
  return [
    theme.strong(`${name}: s3://${bucket}, lock table ${lockTable}`),
    table(undefined, rows),
    closing,
  ].join('\n')
}
