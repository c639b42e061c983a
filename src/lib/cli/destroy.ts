import { printNote } from '../output/door.ts'
import { infrastructurePlanView, infrastructureResultView } from '../output/infrastructure-view.ts'
import { stderrTheme, stdoutTheme } from '../output/theme.ts'
import { isEmpty } from '../workflows/infrastructure/apply.ts'
import { assertUnprotected } from '../workflows/infrastructure/guard.ts'
import { assertLifeFor } from '../workflows/infrastructure/preflight.ts'
import type { InfrastructurePlan, InfrastructureResult } from '../workflows/infrastructure/types.ts'
import type { CommandContext, Report } from './base-command.ts'
import { usageError } from './flags.ts'
import { applyPlan, assertFingerprint, makePlan } from './infrastructure.ts'
import { withInfrastructurePorts } from './infrastructure-ports.ts'
import { openSession, type Session, type SessionFlags } from './session.ts'

interface DestroyFlags extends SessionFlags {
  confirm: string | undefined
  approve: string | undefined
}

/** `emr destroy`: shows what would go; with the environment's name given as well, takes it away. */
export async function runDestroy(
  flags: DestroyFlags,
  context: CommandContext,
): Promise<Report<InfrastructurePlan | InfrastructureResult>> {
  const session = await openSession(flags, context.signal)
  return withInfrastructurePorts(session, async (ports) => {
    const plan = await makePlan(ports, 'destroy')
    if (flags.confirm === undefined) return dryRun(session, plan)
    assertApproved(session, plan, flags.approve)
    assertUnprotected(ports, plan)
    await assertLifeFor(ports, plan)
    if (!isEmpty(plan)) printNote(`${infrastructurePlanView(plan, stderrTheme)}`)
    const result = await applyPlan(ports, plan)
    return { document: result, text: infrastructureResultView(result, stdoutTheme) }
  })
}

function dryRun({ environment }: Session, plan: InfrastructurePlan): Report<InfrastructurePlan> {
  const next = `emr destroy ${environment.name} ${consent(environment, plan)}`
  const closing = isEmpty(plan) ? [] : ['Nothing was destroyed. To destroy it:', `  ${next}`]
  return { document: plan, text: [infrastructurePlanView(plan, stdoutTheme), ...closing].join('\n') }
}

/** What must be typed: for a protected environment also which plan, so that nobody destroys what he has not seen. */
function consent(environment: Session['environment'], { fingerprint }: InfrastructurePlan): string {
  return `--confirm ${environment.name}${environment.protected ? ` --approve ${fingerprint}` : ''}`
}

function assertApproved(
  { environment }: Session,
  plan: InfrastructurePlan,
  approved: string | undefined,
): void {
  assertFingerprint(plan, approved)
  if (!environment.protected || approved !== undefined) return
  throw usageError(`${environment.name} is protected: --confirm alone does not destroy it`, [
    `emr destroy ${environment.name}, read what it would destroy, and then:`,
    `emr destroy ${environment.name} ${consent(environment, plan)}`,
  ])
}
