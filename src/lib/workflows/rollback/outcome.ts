import { EmrError, ExitCode, InterruptedError } from '../../errors.ts'
import type { ReleasePorts } from '../deploy/change-service.ts'
import {
  type DeployRun,
  evidenceLines,
  failureReports,
  reportingProblems,
  row,
  stateLine,
} from '../deploy/outcome.ts'
import type { ServiceResult } from '../deploy/types.ts'
import { failedTests } from '../smoke-test/report.ts'
import type { RollbackPlan, RollbackResult } from './types.ts'

/**
 * The result of a rollback in which everything went well.
 * @throws {EmrError} ROLLBACK_FAILED (7) or INTERRUPTED (130), with the results of all services in its details
 */
export function rollbackOutcome(
  ports: ReleasePorts,
  plan: RollbackPlan,
  services: ServiceResult[],
  run: Pick<DeployRun, 'durationMs' | 'evidence' | 'smokeTests' | 'reporting'>,
): RollbackResult {
  const { smokeTests, durationMs } = run
  const result = {
    id: ports.id,
    environment: plan.environment,
    namespace: plan.namespace,
    set: plan.set?.id,
    services,
    added: plan.added,
    missing: plan.missing,
    durationMs,
    ...(smokeTests && { smokeTests }),
    ...reportingProblems(services, run),
  }
  const state = stateLine(services)
  const again = plan.set ? `emr rollback ${plan.environment} all --to ${plan.set.id}` : undefined
  if (ports.signal.aborted) {
    const message = `The rollback of ${plan.environment} was interrupted\n  ${state}`
    throw new InterruptedError(message, result)
  }
  const smokeFailed = smokeTests?.outcome === 'failed'
  if (!smokeFailed && services.every(({ outcome }) => outcome === 'rolled-back' || outcome === 'unchanged')) {
    const unchanged = services.every(({ outcome }) => outcome === 'unchanged')
    return { ...result, outcome: unchanged ? 'unchanged' : 'rolled-back' }
  }
  const smokeLines = smokeFailed
    ? ['The services are ready, but smoke tests fail', ...failedTests(smokeTests)]
    : []
  const unwritten = evidenceLines(services, run)
  const lines = [...failureReports(services, ports), ...smokeLines, row('services', state), ...unwritten]
  const hasEvidence = unwritten.length === 0 && (smokeFailed || services.some(({ failure }) => failure))
  throw new EmrError(lines.join('\n'), {
    code: 'ROLLBACK_FAILED',
    exitCode: ExitCode.rolloutFailed,
    details: { ...result, ...(hasEvidence && { evidence: run.evidence }) },
    suggestions: [
      ...(hasEvidence ? [`the evidence is in ${run.evidence}`] : []),
      ...(again ? [`mend it and run it again: ${again}`] : []),
    ],
  })
}
