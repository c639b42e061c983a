import { setTimeout as delay } from 'node:timers/promises'
import type { WorkloadWatch } from '../../adapters/kubernetes/workload-watch.ts'
import { formatDuration } from '../../domain/duration.ts'
import { messageOf } from '../../errors.ts'
import { diagnose } from './diagnose.ts'
import { type ReleaseStep, settleRelease, upgradeRelease } from './release.ts'
import { formerHookJobs, RolloutFailedError, trackHooks, trackRollout } from './track.ts'
import type { DeployPorts, ServicePlan, ServiceResult } from './types.ts'

/** What is left to do after Ctrl-C must be done before a CI system loses its patience (10 s). */
const CLEAN_UP_MS = 4_000
/** helm reports a failed hook as soon as the Job does; the watch may be a moment behind. */
const HOOK_NEWS_MS = 2_000

export interface DeployRun {
  ports: DeployPorts
  watch: WorkloadWatch
  /** Ends the whole deploy. */
  deadline: AbortSignal
  timeoutMs: number
}

/** Deploys one service and follows it until its pods are ready. Never throws: the result says how it ended. */
export async function deployService(
  run: DeployRun,
  plan: ServicePlan,
  onProgress: (text: string) => void,
): Promise<ServiceResult> {
  const { ports, watch, timeoutMs } = run
  const startedAt = ports.now()
  const signal = AbortSignal.any([ports.signal, run.deadline])
  const step = { ports, signal, timeoutMs, onProgress }
  let after = plan.revision
  const result = (rest: Pick<ServiceResult, 'outcome' | 'failure' | 'error'>): ServiceResult => ({
    service: plan.service,
    revision: { before: plan.revision, after },
    image: plan.image,
    durationMs: ports.now() - startedAt,
    ...rest,
  })
  try {
    if (plan.action !== 'unchanged') after = await upgradeWatchingHooks(run, step, plan)
    await trackRollout({ ports, watch, signal, onProgress }, plan)
    return result({ outcome: plan.action === 'unchanged' ? 'unchanged' : 'deployed' })
  } catch (error) {
    if (signal.aborted) {
      await settleRelease({ ...step, signal: AbortSignal.timeout(CLEAN_UP_MS) }, plan.service, 0).catch(
        () => undefined,
      )
      if (ports.signal.aborted) return result({ outcome: 'interrupted' })
      return result({ outcome: 'failed', error: `not ready within ${formatDuration(timeoutMs)}` })
    }
    if (!(error instanceof RolloutFailedError)) return result({ outcome: 'failed', error: messageOf(error) })
    return result({ outcome: 'failed', failure: await diagnose(ports, watch, plan.service, error) })
  }
}

/** A hook that has failed is not waited for until helm's own time-out: helm is stopped, and its release settled. */
async function upgradeWatchingHooks(run: DeployRun, step: ReleaseStep, plan: ServicePlan): Promise<number> {
  if (plan.hookJobs.length === 0) return upgradeRelease(step, plan)
  const stopHelm = new AbortController()
  const stopHooks = new AbortController()
  const track = { watch: run.watch, signal: AbortSignal.any([step.signal, stopHooks.signal]) }
  const former = await formerHookJobs(track, plan)
  const hooks = trackHooks(track, plan, former, run.ports.environment.rollout)
  hooks.catch(() => stopHelm.abort())
  try {
    return await upgradeRelease({ ...step, signal: AbortSignal.any([step.signal, stopHelm.signal]) }, plan)
  } catch (error) {
    if (step.signal.aborted) throw error
    await Promise.race([hooks, delay(HOOK_NEWS_MS)]).catch(async (verdict) => {
      await settleRelease(step, plan.service, 0)
      throw verdict
    })
    throw error
  } finally {
    stopHooks.abort()
    hooks.catch(() => undefined)
  }
}
