import { setTimeout as delay } from 'node:timers/promises'
import { changeService, type ServiceRun } from './change-service.ts'
import { type ReleaseStep, settleRelease, upgradeRelease } from './release.ts'
import { formerHookJobs, trackHooks } from './track.ts'
import type { ServicePlan, ServiceResult } from './types.ts'

/** helm reports a failed hook as soon as the Job does; the watch may be a moment behind. */
const HOOK_NEWS_MS = 2_000

/** Deploys one service and follows it until its pods are ready. Never throws: the result says how it ended. */
export function deployService(
  run: ServiceRun,
  plan: ServicePlan,
  onProgress: (text: string) => void,
): Promise<ServiceResult> {
  const unchanged = plan.action === 'unchanged'
  const change = {
    ...plan,
    outcome: unchanged ? ('unchanged' as const) : ('deployed' as const),
    ...(!unchanged && { apply: (step: ReleaseStep) => upgradeWatchingHooks(run, step, plan) }),
  }
  return changeService(run, change, onProgress)
}

/** A hook that has failed is not waited for until helm's own time-out: helm is stopped, and its release settled. */
async function upgradeWatchingHooks(run: ServiceRun, step: ReleaseStep, plan: ServicePlan): Promise<number> {
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
