import { lastProven, leftChangedSince, meritOf, type ReleaseSet } from '../../domain/release/release-set.ts'
import { messageOf } from '../../errors.ts'
import type { ReleasePorts } from '../deploy/change-service.ts'
import type { ServiceResult } from '../deploy/types.ts'
import { liveStates } from '../release-state.ts'
import type { SmokeReport } from '../smoke-test/report.ts'
import { planSet } from './plan.ts'
import type { RollbackPlan } from './types.ts'

/** How a failed deploy was recovered from. */
export type Recovery =
  /** Not tried, or not possible: what was changed stays. `set` is the one that it could go back to. */
  | { state: 'none'; why: string; set?: string }
  | {
      state: 'rolled-back' | 'failed'
      set: string
      /** What speaks for that set. */
      merit: string
      services: ServiceResult[]
      /** Services that the set does not know: left as they are. */
      added: string[]
      /** The smoke tests have passed afterwards. */
      proven?: boolean
      why?: string
    }

/** The services whose releases a deploy has touched. */
function changedBy(services: ServiceResult[]): string[] {
  return services
    .filter(({ outcome, changed }) => changed && (outcome === 'deployed' || outcome === 'failed'))
    .map(({ service }) => service)
}

/**
 * Plans the way back of every service that a failed deploy has changed, or one before it that did not get to its end,
 * to the last state that was proven good.
 * @param sets of the environment before the deploy, oldest first
 * @returns the plan, or why there is none; `set` is what could be gone back to all the same
 */
export async function planRecovery(
  ports: ReleasePorts,
  sets: ReleaseSet[],
  services: ServiceResult[],
  smokeTests?: SmokeReport,
): Promise<{ plan: RollbackPlan; set: ReleaseSet } | { why: string; set?: ReleaseSet }> {
  if (services.some(({ unknown }) => unknown) || smokeTests?.unknown) {
    return { why: 'the API server was out of reach, so whether the services work is not known' }
  }
  const set = lastProven(sets)
  const changed = [...new Set([...changedBy(services), ...(set ? leftChangedSince(set, sets) : [])])]
  if (changed.length === 0) return { why: 'the deploy had changed nothing', set }
  if (set === undefined) return { why: 'there is no earlier good state' }
  try {
    const live = await liveStates(ports.helm, changed, ports.signal)
    const plan = await planSet(ports, set.services, { only: changed, live })
    if (plan.services.length === 0)
      return { why: `none of the changed services is in release set ${set.id} (${meritOf(set)})` }
    return { plan, set }
  } catch (error) {
    ports.signal.throwIfAborted()
    return { why: messageOf(error) }
  }
}

/** What came of the way back. */
export function recoveryOf(set: ReleaseSet, plan: RollbackPlan, services: ServiceResult[]): Recovery {
  const open = services.filter(({ outcome }) => outcome !== 'rolled-back' && outcome !== 'unchanged')
  const common = { set: set.id, merit: meritOf(set), services, added: plan.added }
  if (open.length === 0) return { state: 'rolled-back', ...common }
  const why = open.map(({ service, outcome, failure, error }) => {
    if (failure === undefined) return `${service} ${error ?? outcome}`
    const { code, reason, message, advice } = failure.finding
    return `${service} ${reason}: ${message}${code === 'ROLLOUT_PAUSED' ? `; ${advice}` : ''}`
  })
  return { state: 'failed', ...common, why: why.join('; ') }
}
