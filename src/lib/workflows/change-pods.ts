import type { Scale, Scaling } from '../adapters/kubernetes/scaling.ts'
import { formatDuration } from '../domain/duration.ts'
import { EmrError, ExitCode, InterruptedError } from '../errors.ts'
import { changeService, type ReleasePorts } from './deploy/change-service.ts'
import { evidenceLines, failureReports, reportingProblems } from './deploy/outcome.ts'
import { pausedWarning } from './deploy/paused.ts'
import { type PlannedService, type ServiceTasks, serviceTasks } from './deploy/service-tasks.ts'
import type { ServiceResult } from './deploy/types.ts'
import type { Journal } from './record/journal.ts'
import { deploymentsOf, imageOf, notInstalled } from './release-state.ts'

/** The outside world, for a change of a service's pods that leaves its release as it is. */
export interface PodsPorts extends ReleasePorts {
  scaling: Pick<Scaling, keyof Scaling>
}

/** Pods of one service that are to be restarted or, with `replicas`, to be more or fewer. */
export interface PodsPlan extends PlannedService {
  operation: 'scale' | 'restart'
  environment: string
  replicas?: number
  deployments: { name: string; before: Scale }[]
}

export interface PodsResult {
  id: string
  operation: PodsPlan['operation']
  environment: string
  service: string
  replicas?: number
  outcome: 'restarted' | 'scaled' | 'unchanged'
  durationMs: number
  /** Evidence and records that could not be written; absent where all is on record. */
  reportingProblems?: string[]
}

/**
 * Reads what is there, and changes nothing.
 * @param replicas undefined: a restart
 * @throws {EmrError} NOT_INSTALLED, ROLLOUT_PAUSED, ABOVE_MAXIMUM (4)
 */
export async function preparePods(ports: PodsPorts, service: string, replicas?: number): Promise<PodsPlan> {
  const { helm, scaling, signal, environment } = ports
  const release = await helm.status(service, { signal })
  if (release === undefined || release.status === 'uninstalled') throw notInstalled(ports, service)
  const image = imageOf(release.objects)
  const deployments = await Promise.all(
    deploymentsOf(release.objects).map(async (name) => ({ name, before: await scaling.read(name, signal) })),
  )
  const limit = deployments.find(
    ({ before: { autoscaler } }) => (replicas ?? 0) > (autoscaler?.max ?? Infinity),
  )
  const paused = deployments.find(({ before }) => replicas === undefined && before.paused)
  if (paused) {
    const { message, suggestions } = pausedWarning(paused.name, ports)
    throw new EmrError(`Cannot restart ${service}: ${message}`, {
      code: 'ROLLOUT_PAUSED',
      exitCode: ExitCode.preflight,
      suggestions,
    })
  }
  if (limit) throw aboveMaximum(environment.name, service, replicas ?? 0, limit.before)
  return {
    operation: replicas === undefined ? 'restart' : 'scale',
    environment: environment.name,
    service,
    wave: 0,
    revision: release.revision,
    image: { before: image, after: image },
    ...(replicas !== undefined && { replicas }),
    deployments,
  }
}

function aboveMaximum(
  environment: string,
  service: string,
  replicas: number,
  { autoscaler }: Scale,
): EmrError {
  const message = `${service} may have ${autoscaler?.max} pods at most: its autoscaler would not let ${replicas} stand`
  return new EmrError(message, {
    code: 'ABOVE_MAXIMUM',
    exitCode: ExitCode.preflight,
    suggestions: [`emr set ${environment} ${service} autoscaling.maxReplicas=${replicas}`],
  })
}

/** True where it already is what the plan wants. */
export function isDone({ replicas, deployments }: PodsPlan): boolean {
  return replicas !== undefined && deployments.every(({ before }) => patchesOf(before, replicas).length === 0)
}

/** What is patched: the autoscaler's minimum where there is one, since it would revert the Deployment. */
export function patchesOf({ autoscaler, replicas }: Scale, wanted: number): ('minimum' | 'replicas')[] {
  if (autoscaler === undefined) return replicas === wanted ? [] : ['replicas']
  // The autoscaler takes pods away by itself, when they are not needed.
  return [
    ...(autoscaler.min === wanted ? [] : ['minimum' as const]),
    ...(replicas < wanted ? ['replicas' as const] : []),
  ]
}

/**
 * One task, which patches and follows the pods until they are ready.
 * @param timeoutMs for all of it
 * @param journal has it on record that the cluster is patched, which no release shows; throws where the lock is lost
 */
export function podsTasks(
  ports: PodsPorts,
  plan: PodsPlan,
  timeoutMs: number,
  journal: Pick<Journal, 'phase'>,
): ServiceTasks {
  const done = isDone(plan)
  const outcome = done ? 'unchanged' : plan.operation === 'restart' ? 'restarted' : 'scaled'
  const apply = async () => {
    await journal.phase('patch', ports.signal, async () => {
      for (const { name, before } of plan.deployments) await patch(ports, plan, name, before)
    })
    return plan.revision ?? 0
  }
  const change = { ...plan, deployments: plan.deployments.map(({ name }) => name), outcome } as const
  return serviceTasks(ports, {
    services: [plan],
    concurrency: 1,
    timeoutMs,
    stopAtFailure: true,
    act: (run, _plan, onProgress) => changeService(run, { ...change, ...(!done && { apply }) }, onProgress),
    summary: (_plan, { durationMs }) => `${outcome}, ready in ${formatDuration(durationMs)}`,
  })
}

async function patch(
  { scaling, signal, now }: PodsPorts,
  { replicas }: PodsPlan,
  deployment: string,
  before: Scale,
): Promise<void> {
  if (replicas === undefined) return scaling.restart(deployment, new Date(now()).toISOString(), signal)
  for (const what of patchesOf(before, replicas)) {
    if (what === 'replicas') await scaling.setReplicas(deployment, replicas, signal)
    else if (before.autoscaler) await scaling.setMinimum(before.autoscaler.name, replicas, signal)
  }
}

/** @throws {EmrError} PODS_NOT_READY (7) or INTERRUPTED (130) */
export function podsOutcome(
  ports: PodsPorts,
  plan: PodsPlan,
  result: ServiceResult,
  reporting: string[] = [],
): PodsResult {
  const problems = reportingProblems([result], { reporting })
  const { operation, environment, service, replicas } = plan
  const { outcome, durationMs } = result
  if (outcome === 'interrupted') {
    throw new InterruptedError(`The ${operation} of ${service} was interrupted; its pods go on by themselves`)
  }
  if (outcome === 'restarted' || outcome === 'scaled' || outcome === 'unchanged') {
    const count = replicas === undefined ? {} : { replicas }
    return { id: ports.id, operation, environment, service, ...count, outcome, durationMs, ...problems }
  }
  const before = plan.deployments[0]?.before
  const back = before?.autoscaler?.min ?? before?.replicas
  const unwritten = evidenceLines([result], {})
  throw new EmrError([...failureReports([result], ports), ...unwritten].join('\n'), {
    code: 'PODS_NOT_READY',
    exitCode: ExitCode.rolloutFailed,
    details: {
      ...result,
      ...problems,
      ...(result.failure && unwritten.length === 0 && { evidence: ports.evidence.folder }),
    },
    suggestions: [
      `emr diagnose ${environment} ${service}`,
      ...(operation === 'scale' ? [`go back: emr scale ${environment} ${service} ${back}`] : []),
    ],
  })
}
