import { formatDuration } from '../../domain/duration.ts'
import { versionChange } from '../../domain/image.ts'
import { changeService, type ReleasePorts, type ServiceRun } from '../deploy/change-service.ts'
import { type ReleaseStep, rollbackRelease } from '../deploy/release.ts'
import { type ServiceTasks, serviceTasks } from '../deploy/service-tasks.ts'
import type { ServiceResult } from '../deploy/types.ts'
import type { RollbackPlan, RollbackService } from './types.ts'

/**
 * The way back as a runbook: the waves of a deploy in reverse. One service that cannot go back does not keep the
 * others from it.
 */
export function rollbackTasks(
  ports: ReleasePorts,
  { concurrency, timeoutMs }: { concurrency: number; timeoutMs: number },
  { services }: RollbackPlan,
): ServiceTasks {
  const limits = { concurrency, timeoutMs, stopAtFailure: false }
  return serviceTasks(ports, { services, ...limits, act: rollbackService, summary })
}

function rollbackService(
  run: ServiceRun,
  plan: RollbackService,
  onProgress: (text: string) => void,
): Promise<ServiceResult> {
  const unchanged = plan.action === 'unchanged'
  const change = {
    ...plan,
    outcome: unchanged ? ('unchanged' as const) : ('rolled-back' as const),
    ...(!unchanged && {
      apply: (step: ReleaseStep) => rollbackRelease(step, plan.service, plan.target),
    }),
  }
  return changeService(run, change, onProgress)
}

function summary(plan: RollbackService, { outcome, durationMs, revision }: ServiceResult): string {
  if (outcome === 'unchanged') return 'unchanged, ready'
  const back = `as revision ${plan.target} was, now revision ${revision.after}`
  return `${versionChange(plan.image)} ready in ${formatDuration(durationMs)} (${back})`
}
