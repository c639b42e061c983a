import { setLine } from '../../domain/command-line.ts'
import { byCause, failureReport } from '../../domain/rollout/report.ts'
import { EmrError, type ErrorOptions, ExitCode, InterruptedError } from '../../errors.ts'
import type { Recovery } from '../rollback/automatic.ts'
import { failedTests, type SmokeReport } from '../smoke-test/report.ts'
import type { ReleasePorts } from './change-service.ts'
import type { DeployPlan, DeployPorts, DeployResult, ServiceResult } from './types.ts'

export interface DeployRun {
  durationMs: number
  /** Folder of the evidence. */
  evidence: string
  timedOut: boolean
  /** Undefined: not run. */
  smokeTests?: SmokeReport
  /** Undefined: nothing had failed. */
  recovery?: Recovery
  /** What could not be written to the records. */
  reporting?: string[]
}

/**
 * The result of a deploy in which everything went well.
 * @throws {EmrError} ROLLED_BACK (6), ROLLBACK_FAILED, ROLLOUT_FAILED or SMOKE_TESTS_FAILED (7), DEPLOY_TIMED_OUT (9),
 * RELEASE_FAILED (5) or INTERRUPTED (130), with the results of all services in its details
 */
export function deployOutcome(
  ports: DeployPorts,
  plan: DeployPlan,
  services: ServiceResult[],
  run: DeployRun,
): DeployResult {
  const { durationMs, smokeTests, recovery } = run
  const reporting = reportingProblems(services, run)
  const result = {
    id: ports.id,
    environment: plan.environment,
    namespace: plan.namespace,
    durationMs,
    services,
    warnings: plan.warnings,
    ...(smokeTests && { smokeTests }),
    ...reporting,
  }
  const state = stateLine(services)
  if (ports.signal.aborted) {
    const how = services.some(({ unknown }) => unknown)
      ? 'the API server was out of reach, so how the releases stand is not known'
      : 'no release is left pending'
    const first = `The deploy to ${plan.environment} was interrupted; ${how}`
    const lines = [
      first,
      ...failureReports(services, ports),
      `  ${state}`,
      ...recoveryLines(recovery),
      ...evidenceLines(services, run),
    ]
    throw new InterruptedError(lines.join('\n'), result, [
      `take it up again: ${setAgain(plan) ?? `emr deploy ${plan.environment} --resume`}`,
      `or go back: emr rollback ${plan.environment} all`,
    ])
  }
  const smokeFailed = smokeTests?.outcome === 'failed'
  if (!smokeFailed && services.every(({ outcome }) => outcome === 'deployed' || outcome === 'unchanged')) {
    const unchanged = services.every(({ outcome }) => outcome === 'unchanged')
    return { ...result, outcome: unchanged ? 'unchanged' : 'deployed' }
  }
  const smokeLines = smokeFailed
    ? ['The services are ready, but smoke tests fail', ...failedTests(smokeTests)]
    : []
  const lines = [
    ...failureReports(services, ports),
    ...smokeLines,
    row('services', state),
    ...recoveryLines(recovery),
    ...evidenceLines(services, run),
  ]
  const ending = endingOf(services, run)
  const atFault = smokeFailed || services.some(({ failure }) => failure)
  const hasEvidence = atFault && evidenceLines(services, run).length === 0
  throw new EmrError(lines.join('\n'), {
    ...ending,
    details: { ...result, ...(recovery && { recovery }), ...(hasEvidence && { evidence: run.evidence }) },
    suggestions: [
      ...(hasEvidence ? [`the evidence is in ${run.evidence}`] : []),
      ...(ending.exitCode === ExitCode.rolloutFailed && recovery?.set !== undefined
        ? [`go back: emr rollback ${plan.environment} all`]
        : []),
      nextDeploy(plan, atFault, ports.environment.services.length),
    ],
  })
}

/**
 * A deploy that names no tag keeps the one that runs, or that was brought back: never what was asked for and failed.
 * @param atFault the new version was seen to fail, so that the same tag would fail again
 * @param known number of services of the environment
 */
function nextDeploy(plan: DeployPlan, atFault: boolean, known: number): string {
  const { environment, services } = plan
  const again = setAgain(plan)
  if (again) return `mend it and run it again: ${again}`
  const some =
    services.length < known ? ` --services ${services.map(({ service }) => service).join(',')}` : ''
  const tagged = services.filter(({ keptTag, input }) => keptTag === undefined && 'image.tag' in input.set)
  if (tagged.length === 0) return `mend it and run it again: emr deploy ${environment}${some}`
  const named = tagged.map(({ service }) => `--tag ${service}=TAG`).join(' ')
  const tags = tagged.length === services.length ? '--tag TAG' : named
  const what = atFault ? 'mend it and deploy another tag' : 'mend it and run it again, with its tags'
  return `${what}: emr deploy ${environment}${some} ${tags}`
}

/** The `emr set` that a plan is of; a deploy in its place would take the values files again. */
function setAgain({ environment, services: [plan] }: DeployPlan): string | undefined {
  return plan?.input.change && setLine(environment, plan.service, plan.input.change)
}

/** One report for each cause, with the services that failed for it. */
export function failureReports(services: ServiceResult[], { now }: Pick<ReleasePorts, 'now'>): string[] {
  const failed = services.filter(({ outcome }) => outcome === 'failed')
  const failures = failed.flatMap(({ failure }) => failure ?? [])
  return [
    ...failed.flatMap(({ service, error }) => (error === undefined ? [] : [`${service}: ${error}`])),
    ...byCause(failures).flatMap(([first, ...others]) =>
      first
        ? [
            failureReport(
              first,
              now(),
              others.map(({ service }) => service),
            ),
          ]
        : [],
    ),
  ]
}

function endingOf(services: ServiceResult[], run: DeployRun): Pick<ErrorOptions, 'code' | 'exitCode'> {
  if (run.recovery?.state === 'rolled-back') return { code: 'ROLLED_BACK', exitCode: ExitCode.rolledBack }
  if (run.recovery?.state === 'failed') return { code: 'ROLLBACK_FAILED', exitCode: ExitCode.rolloutFailed }
  if (services.some(({ failure, error }) => failure && error === undefined)) {
    return { code: 'ROLLOUT_FAILED', exitCode: ExitCode.rolloutFailed }
  }
  if (services.every(({ outcome }) => outcome !== 'failed')) {
    const changed = services.some((service) => service.changed)
    return { code: 'SMOKE_TESTS_FAILED', exitCode: changed ? ExitCode.rolloutFailed : ExitCode.failed }
  }
  if (run.timedOut) return { code: 'DEPLOY_TIMED_OUT', exitCode: ExitCode.timeout }
  return { code: 'RELEASE_FAILED', exitCode: ExitCode.tool }
}

/** What could not be said about an operation, wherever it was noticed. */
export function reportingProblems(
  services: ServiceResult[],
  { smokeTests, recovery, reporting = [] }: Pick<DeployRun, 'smokeTests' | 'recovery' | 'reporting'>,
): Pick<DeployResult, 'reportingProblems'> {
  const back = recovery && 'services' in recovery ? recovery.services : []
  const results = [...services, ...back, smokeTests].flatMap((each) => each?.reportingProblems ?? [])
  const problems = [...new Set([...results, ...reporting])]
  return problems.length === 0 ? {} : { reportingProblems: problems }
}

/** What keeps the evidence from being complete; what is not on record is said when it is noticed. */
export function evidenceLines(
  services: ServiceResult[],
  run: Pick<DeployRun, 'smokeTests' | 'recovery'>,
): string[] {
  const { reportingProblems: problems = [] } = reportingProblems(services, { ...run, reporting: [] })
  return problems.map((problem) => row('evidence', problem.replace(/^evidence /, '')))
}

function recoveryLines(recovery: Recovery | undefined): string[] {
  if (recovery === undefined) return []
  if (recovery.state === 'none') return [row('rollback', `none: ${recovery.why}`)]
  const { set, merit, services, added, why } = recovery
  const back = services.filter(({ outcome }) => outcome === 'rolled-back' || outcome === 'unchanged')
  const names = back.map(({ service, revision }) => `${service} (revision ${revision.after})`).join(', ')
  return [
    ...(back.length > 0 ? [row('rollback', `back on release set ${set} (${merit}): ${names}`)] : []),
    ...(why === undefined ? [] : [row('rollback', `failed: ${why}`)]),
    ...(added.length > 0
      ? [row('left', `${added.join(', ')}: not in that set, so nothing to go back to`)]
      : []),
  ]
}

export function row(label: string, text: string): string {
  return `  ${label.padEnd(10)} ${text}`
}

/** `deployed: task-service, emr-service; failed: sync-service; skipped: api-gateway` */
export function stateLine(services: ServiceResult[]): string {
  const groups = Map.groupBy(services, ({ outcome }) => outcome)
  return [...groups]
    .map(([outcome, list]) => `${outcome}: ${list.map(({ service }) => service).join(', ')}`)
    .join('; ')
}
