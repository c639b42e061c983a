import { unnamedLosses } from '../domain/terraform/guard.ts'
import { afterChange, EmrError, ExitCode } from '../errors.ts'
import { printNote } from '../output/door.ts'
import {
  infrastructurePlanView,
  infrastructureResultView,
  planSummary,
} from '../output/infrastructure-view.ts'
import { runTasks } from '../output/task-list.ts'
import { stderrTheme, stdoutTheme } from '../output/theme.ts'
import { assertAgreement } from '../workflows/infrastructure/agreement.ts'
import { applyTasks, isEmpty } from '../workflows/infrastructure/apply.ts'
import { assertAllowed } from '../workflows/infrastructure/guard.ts'
import { assertOffered } from '../workflows/infrastructure/offers.ts'
import { assertLifeFor } from '../workflows/infrastructure/preflight.ts'
import { planTasks } from '../workflows/infrastructure/prepare.ts'
import type {
  InfrastructurePlan,
  InfrastructurePorts,
  InfrastructureResult,
} from '../workflows/infrastructure/types.ts'
import type { CommandContext, Report } from './base-command.ts'
import { confirm } from './confirm.ts'
import { usageError } from './flags.ts'
import { withInfrastructurePorts } from './infrastructure-ports.ts'
import type { Session } from './session.ts'

export interface InfrastructureFlags {
  'skip-infra': boolean
  'skip-services': boolean
  'dry-run': boolean
  'detailed-exitcode': boolean
  'refresh-only': boolean
  approve: string | undefined
  'auto-approve': boolean
  'allow-destroy': string[] | undefined
  yes: boolean
  confirm: string | undefined
}

interface InfrastructurePhase {
  report: Report<InfrastructurePlan | InfrastructureResult>
  /** The deploy ends here. */
  last: boolean
  /** Terraform has changed something. */
  applied?: boolean
}

/**
 * The infrastructure's part of `emr deploy`.
 * @returns undefined where there is none, or it is to be left alone
 */
export async function deployInfrastructure(
  session: Session,
  flags: InfrastructureFlags,
  context: CommandContext,
): Promise<InfrastructurePhase | undefined> {
  if (flags['skip-infra'] || (session.environment.aws === undefined && !asksForInfrastructure(flags)))
    return undefined
  assertAnswers(session, flags, context)
  return withInfrastructurePorts(session, async (ports) => {
    const plan = await makePlan(ports, flags['refresh-only'] ? 'refresh-only' : 'apply')
    if (flags['dry-run']) return dryRun(plan, flags)
    assertOffered(plan)
    await assertAllowed(ports, plan, flags['allow-destroy'] ?? [])
    await assertLifeFor(ports, plan)
    await approve(session, plan, flags, context)
    const result = await applyPlan(ports, plan)
    const applied = result.outcome === 'applied'
    const agree = async () => assertAgreement(session.environment, result.outputs)
    await (applied ? afterChange('the infrastructure was applied', agree) : agree())
    const text = infrastructureResultView(result, stdoutTheme)
    const last = flags['skip-services'] || flags['refresh-only']
    return { report: { document: result, text }, last, applied }
  })
}

/** Something was asked that only an environment with infrastructure can do. */
function asksForInfrastructure(flags: InfrastructureFlags): boolean {
  return (
    flags['skip-services'] || flags['refresh-only'] || flags['auto-approve'] || flags.approve !== undefined
  )
}

/** What can be known to end in an error is said before anything is planned. */
function assertAnswers(
  { environment: { name, protected: isProtected } }: Session,
  flags: InfrastructureFlags,
  { interactive }: CommandContext,
): void {
  if (flags['auto-approve'] && isProtected) {
    throw usageError(`${name} is protected: --auto-approve does not count there`, [
      `emr deploy ${name} --skip-services --dry-run, and then --approve FINGERPRINT`,
      `or --confirm ${name}`,
    ])
  }
  const servicesAnswered =
    flags['skip-services'] ||
    flags['refresh-only'] ||
    flags.confirm !== undefined ||
    (flags.yes && !isProtected)
  if (flags.approve !== undefined && !flags['dry-run'] && !interactive && !servicesAnswered) {
    throw usageError(
      '--approve answers for the infrastructure alone, and nobody can be asked about the services',
      ['--skip-services', `or --confirm ${name} as well`],
    )
  }
}

/** Plans, with progress. */
export async function makePlan(
  ports: InfrastructurePorts,
  mode: InfrastructurePlan['mode'],
): Promise<InfrastructurePlan> {
  const planning = planTasks(ports, mode)
  await runTasks(planning.tasks)
  return planning.plan()
}

/** Applies, with progress. */
export async function applyPlan(
  ports: InfrastructurePorts,
  plan: InfrastructurePlan,
): Promise<InfrastructureResult> {
  const applying = applyTasks(ports, plan)
  await runTasks(applying.tasks)
  return applying.result()
}

function dryRun(plan: InfrastructurePlan, flags: InfrastructureFlags): InfrastructurePhase {
  const drifted = plan.mode === 'refresh-only' && plan.drift.length > 0
  const changes = drifted || (flags['detailed-exitcode'] && !isEmpty(plan))
  const makesCluster = plan.changes.some(
    ({ type, action }) => type === 'aws_eks_cluster' && ['create', 'replace', 'delete'].includes(action),
  )
  const last = flags['skip-services'] || flags['refresh-only'] || makesCluster
  const later =
    makesCluster && !flags['skip-services'] ? ['The services are compared once the cluster is there.'] : []
  const refused = unnamedLosses(plan.changes, flags['allow-destroy'] ?? []).map(
    ({ address }) => `A deploy refuses this plan without --allow-destroy '${address}'.`,
  )
  const closing = [...refused, ...(last ? ['Nothing was changed.', ...later] : [])]
  const text = [infrastructurePlanView(plan, stdoutTheme), ...closing].join('\n')
  return {
    report: { document: plan, text, exitCode: changes ? ExitCode.changes : ExitCode.ok },
    last,
  }
}

/** The question before an apply, or what stands for its answer. */
async function approve(
  { environment }: Session,
  plan: InfrastructurePlan,
  flags: InfrastructureFlags,
  context: CommandContext,
): Promise<void> {
  assertFingerprint(plan, flags.approve)
  if (isEmpty(plan)) return
  printNote(`${infrastructurePlanView(plan, stderrTheme)}`)
  if (flags.approve !== undefined) return
  await confirm(
    environment,
    plan.mode === 'refresh-only'
      ? `write what is found to the Terraform state of ${environment.name} (${planSummary(plan)})`
      : `apply ${planSummary(plan)} in the infrastructure of ${environment.name}`,
    {
      ...context,
      confirm: flags.confirm,
      yes: flags.yes || flags['auto-approve'],
    },
  )
}

/** @throws {EmrError} PLAN_CHANGED (4) */
export function assertFingerprint(plan: InfrastructurePlan, approved: string | undefined): void {
  if (approved === undefined || approved === plan.fingerprint) return
  throw new EmrError(
    `The plan is not the one that was approved: its fingerprint is ${plan.fingerprint}, not ${approved} (${planSummary(plan)})`,
    {
      code: 'PLAN_CHANGED',
      exitCode: ExitCode.preflight,
      suggestions: [`emr deploy ${plan.environment} --skip-services --dry-run`],
      details: { approved, fingerprint: plan.fingerprint },
    },
  )
}

/** Both phases as one report. */
export function withInfrastructure<T extends object>(
  phase: InfrastructurePhase | undefined,
  services: Report<T>,
): Report<T | (T & { infrastructure: unknown })> {
  if (phase === undefined) return services
  const { document, text, exitCode = ExitCode.ok } = phase.report
  return {
    document: { ...services.document, infrastructure: document },
    text: [text, services.text].join('\n'),
    exitCode: services.exitCode || exitCode,
  }
}
