import { failureReport } from '../../domain/rollout/report.ts'
import { EmrError, ExitCode, InterruptedError } from '../../errors.ts'
import type { DeployPlan, DeployPorts, DeployResult, ServiceResult } from './types.ts'

/**
 * The result of a deploy in which everything went well.
 * @throws {EmrError} ROLLOUT_FAILED (7), DEPLOY_TIMED_OUT (9), RELEASE_FAILED (5) or INTERRUPTED (130), with the results
 * of all services in its details
 */
export function deployOutcome(
  ports: DeployPorts,
  plan: DeployPlan,
  services: ServiceResult[],
  run: { durationMs: number; evidence: string; timedOut: boolean },
): DeployResult {
  const { durationMs } = run
  const result = {
    id: ports.id,
    environment: plan.environment,
    namespace: plan.namespace,
    durationMs,
    services,
  }
  const failed = services.filter(({ outcome }) => outcome === 'failed')
  const state = stateLine(services)
  if (ports.signal.aborted) {
    const message = `The deploy to ${plan.environment} was interrupted; no release is left half written\n  ${state}`
    throw new InterruptedError(message, result)
  }
  if (failed.length === 0) {
    const unchanged = services.every(({ outcome }) => outcome === 'unchanged')
    return { ...result, outcome: unchanged ? 'unchanged' : 'deployed' }
  }
  const reports = failed.map((each) =>
    each.failure ? failureReport(each.failure, ports.now()) : `${each.service}: ${each.error}`,
  )
  const diagnosed = failed.some(({ failure }) => failure)
  throw new EmrError([...reports, `  ${'services'.padEnd(10)} ${state}`].join('\n'), {
    ...(diagnosed
      ? { code: 'ROLLOUT_FAILED', exitCode: ExitCode.rolloutFailed }
      : run.timedOut
        ? { code: 'DEPLOY_TIMED_OUT', exitCode: ExitCode.timeout }
        : { code: 'RELEASE_FAILED', exitCode: ExitCode.tool }),
    details: { ...result, ...(diagnosed && { evidence: run.evidence }) },
    suggestions: [
      ...(diagnosed ? [`the evidence is in ${run.evidence}`] : []),
      `mend it and run it again: emr deploy ${plan.environment}`,
    ],
  })
}

/** `deployed: task-service, emr-service; failed: sync-service; skipped: api-gateway` */
function stateLine(services: ServiceResult[]): string {
  const groups = Map.groupBy(services, ({ outcome }) => outcome)
  return [...groups]
    .map(([outcome, list]) => `${outcome}: ${list.map(({ service }) => service).join(', ')}`)
    .join('; ')
}
