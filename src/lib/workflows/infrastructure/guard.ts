import { formatDuration } from '../../domain/duration.ts'
import { unnamedLosses } from '../../domain/terraform/guard.ts'
import { EmrError, ExitCode, nearest } from '../../errors.ts'
import type { InfrastructurePlan, InfrastructurePorts } from './types.ts'

/** A snapshot older than this would lose too much. */
const SNAPSHOT_MS = 24 * 60 * 60_000

/**
 * Refuses a plan that takes away data which nobody said may go.
 * @param allowed addresses of --allow-destroy
 * @throws {EmrError} PLAN_REFUSED, DELETION_PROTECTED or SNAPSHOT_MISSING (4); USAGE (2) for an address of no loss
 */
export async function assertAllowed(
  ports: InfrastructurePorts,
  plan: InfrastructurePlan,
  allowed: readonly string[],
): Promise<void> {
  assertKnown(plan, allowed)
  const refused = unnamedLosses(plan.changes, allowed)
  if (refused.length > 0) {
    const lines = refused.map(
      ({ address, action, reasons }) =>
        `  ${action} ${address}${reasons.length ? `: ${reasons.join('; ')}` : ''}`,
    )
    throw refusal(
      'PLAN_REFUSED',
      ['The plan takes away what no apply brings back:', ...lines].join('\n'),
      [
        'change what causes it, or, when the data may go:',
        refused.map(({ address }) => `--allow-destroy '${address}'`).join(' '),
      ],
      { addresses: refused.map(({ address }) => address) },
    )
  }
  assertUnprotected(ports, plan)
  await assertSnapshots(ports, plan)
}

function assertKnown({ changes }: InfrastructurePlan, allowed: readonly string[]): void {
  const goes = changes.filter(({ action }) => action === 'delete' || action === 'replace')
  const known = goes.map(({ address }) => address)
  for (const address of allowed) {
    if (known.includes(address)) continue
    const close = nearest(address, known)
    throw new EmrError(`--allow-destroy ${address}: the plan does not delete or replace it`, {
      code: 'USAGE',
      exitCode: ExitCode.usage,
      suggestions: [close ? `did you mean '${close}'?` : 'leave it out'],
    })
  }
}

/** AWS would refuse the deletion in the middle of the apply. */
export function assertUnprotected(
  { environment }: InfrastructurePorts,
  { deletionProtected }: InfrastructurePlan,
): void {
  if (deletionProtected.length === 0) return
  throw refusal(
    'DELETION_PROTECTED',
    `Protected from deletion: ${deletionProtected.join(', ')}`,
    [
      `set deletion_protection = false in ${environment.infrastructure.varFile}`,
      `emr deploy ${environment.name} --skip-services`,
      'and then this command again',
    ],
    { addresses: deletionProtected },
  )
}

async function assertSnapshots(
  { environment, newestSnapshot, now }: InfrastructurePorts,
  { databases }: InfrastructurePlan,
): Promise<void> {
  for (const { address, instance } of databases) {
    const madeAt = await newestSnapshot(instance)
    if (madeAt !== undefined && now() - madeAt <= SNAPSHOT_MS) continue
    const age = madeAt === undefined ? 'none' : `the newest is ${formatDuration(now() - madeAt)} old`
    throw refusal(
      'SNAPSHOT_MISSING',
      `${address} would be deleted, and there is no snapshot of ${instance} from the last 24 hours (${age})`,
      [`emr db-backup ${environment.name} snapshot`],
      { address, instance },
    )
  }
}

function refusal(
  code: string,
  message: string,
  suggestions: string[],
  details: Record<string, unknown>,
): EmrError {
  return new EmrError(message, { code, exitCode: ExitCode.preflight, suggestions, details })
}
