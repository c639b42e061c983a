import type { WorkloadWatch } from '../../adapters/kubernetes/workload-watch.ts'
import { formatDuration } from '../../domain/duration.ts'
import { messageOf } from '../../errors.ts'
import { diagnose } from './diagnose.ts'
import { type ReleaseStep, settleRelease } from './release.ts'
import { ClusterLostError, RolloutFailedError, trackRollout } from './track.ts'
import type { DeployPorts, ServicePlan, ServiceResult } from './types.ts'

/** What is left to do after Ctrl-C must be done before a CI system loses its patience (10 s). */
const CLEAN_UP_MS = 4_000

/** What a change of releases needs; the same for a deploy and for a way back. */
export type ReleasePorts = Omit<DeployPorts, 'live'>

export interface ServiceRun {
  ports: ReleasePorts
  watch: WorkloadWatch
  /** Ends the whole operation. */
  deadline: AbortSignal
  timeoutMs: number
}

export interface ServiceChange extends Pick<ServicePlan, 'service' | 'image' | 'revision' | 'deployments'> {
  /** How it is called when the pods are ready. */
  outcome: ServiceResult['outcome']
  /** Brings the release to its new revision and returns that; undefined where the pods alone are followed. */
  apply?: (step: ReleaseStep) => Promise<number>
}

type Ending = 'outcome' | 'failure' | 'error' | 'unknown' | 'reportingProblems'

/** Changes one service and follows it until its pods are ready. Never throws: the result says how it ended. */
export async function changeService(
  run: ServiceRun,
  change: ServiceChange,
  onProgress: (text: string) => void,
): Promise<ServiceResult> {
  const { ports, watch, timeoutMs } = run
  const startedAt = ports.now()
  const signal = AbortSignal.any([ports.signal, run.deadline])
  const step = { ports, signal, timeoutMs, onProgress }
  let after = change.revision
  const result = (rest: Pick<ServiceResult, Ending>): ServiceResult => ({
    service: change.service,
    revision: { before: change.revision, after },
    image: change.image,
    changed: change.apply !== undefined,
    durationMs: ports.now() - startedAt,
    ...rest,
  })
  const changedAt = ports.workloads.serverNow()
  try {
    if (change.apply) after = await change.apply(step)
    await trackRollout({ ports, watch, signal, changedAt, onProgress }, change.deployments)
    return result({ outcome: change.outcome })
  } catch (error) {
    if (signal.aborted) {
      const unsettled = await settleRelease(
        { ...step, signal: AbortSignal.timeout(CLEAN_UP_MS) },
        change.service,
        0,
      ).then(
        () => false,
        () => true,
      )
      if (ports.signal.aborted) return result({ outcome: 'interrupted', unknown: unsettled })
      const late = error instanceof RolloutFailedError ? error : undefined
      return result({
        outcome: 'failed',
        error: `not ready within ${formatDuration(timeoutMs)}`,
        unknown: watch.lost !== undefined,
        ...(late && (await diagnose(ports, watch, change.service, late))),
      })
    }
    if (!(error instanceof RolloutFailedError)) {
      const unknown =
        error instanceof ClusterLostError ||
        ports.workloads.isTransient(error) ||
        ports.helm.isTransient(error)
      return result({ outcome: 'failed', error: messageOf(error), unknown })
    }
    return result({ outcome: 'failed', ...(await diagnose(ports, watch, change.service, error)) })
  }
}
