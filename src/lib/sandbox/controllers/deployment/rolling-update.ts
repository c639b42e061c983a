import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import { creationOf } from './replica-sets.ts'

/** How many pods each ReplicaSet is to have next. */
export type Scaling = { replicaSet: ReplicaSet; replicas: number }[]

/** Absolute numbers for maxSurge (rounded up) and maxUnavailable (rounded down). */
export function rollingLimits({ spec }: Deployment): { maxSurge: number; maxUnavailable: number } {
  const replicas = spec?.replicas ?? 0
  if (spec?.strategy?.type !== 'RollingUpdate') return { maxSurge: 0, maxUnavailable: 0 }
  const { maxSurge = '25%', maxUnavailable = '25%' } = spec.strategy.rollingUpdate ?? {}
  const surge = absolute(maxSurge, replicas, Math.ceil)
  const unavailable = absolute(maxUnavailable, replicas, Math.floor)
  // Both at zero would let nothing move; deploymentutil.ResolveFenceposts.
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}

function absolute(value: number | string, of: number, round: (number: number) => number): number {
  if (typeof value === 'number') return value
  return value.endsWith('%') ? round((Number.parseFloat(value) * of) / 100) : Number(value)
}

function desired({ spec }: ReplicaSet): number {
  return spec?.replicas ?? 0
}

function total(replicaSets: ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + desired(replicaSet), 0)
}

function available(replicaSets: ReplicaSet[]): number {
  return replicaSets.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0)
}

/** The size that a new ReplicaSet starts with, or may grow to now; deploymentutil.NewRSNewReplicas. */
export function newReplicas(deployment: Deployment, all: ReplicaSet[], current: number): number {
  const wanted = deployment.spec?.replicas ?? 0
  if (deployment.spec?.strategy?.type !== 'RollingUpdate') return wanted
  const room = wanted + rollingLimits(deployment).maxSurge - total(all)
  return room <= 0 ? current : current + Math.min(room, wanted - current)
}

/** The next step down of the old ReplicaSets that keeps enough pods available: unhealthy pods go first. */
export function scaleDownOld(deployment: Deployment, current: ReplicaSet, old: ReplicaSet[]): Scaling {
  const wanted = deployment.spec?.replicas ?? 0
  const minAvailable = wanted - rollingLimits(deployment).maxUnavailable
  const active = old
    .filter((replicaSet) => desired(replicaSet) > 0)
    .sort((a, b) => creationOf(a) - creationOf(b))
  const newUnavailable = desired(current) - (current.status?.availableReplicas ?? 0)
  const maxScaledDown = total([...active, current]) - minAvailable - newUnavailable
  if (maxScaledDown <= 0) return []
  const left = new Map(active.map((replicaSet) => [replicaSet, desired(replicaSet)]))
  let unhealthyBudget = maxScaledDown
  for (const replicaSet of active) {
    const unhealthy = desired(replicaSet) - (replicaSet.status?.availableReplicas ?? 0)
    const gone = Math.max(0, Math.min(unhealthyBudget, unhealthy))
    unhealthyBudget -= gone
    left.set(replicaSet, desired(replicaSet) - gone)
  }
  let budget = available([...active, current]) - minAvailable
  for (const replicaSet of active) {
    if (budget <= 0) break
    const now = left.get(replicaSet) ?? 0
    const gone = Math.min(now, budget)
    budget -= gone
    left.set(replicaSet, now - gone)
  }
  return [...left]
    .filter(([replicaSet, replicas]) => replicas !== desired(replicaSet))
    .map(([replicaSet, replicas]) => ({ replicaSet, replicas }))
}

/**
 * A change of the Deployment's size while several ReplicaSets run is spread over them by their share, the largest and
 * newest first, so that no side of a roll-out starves; dc.scale and getReplicaSetFraction.
 */
export function scaleProportionally(
  deployment: Deployment,
  active: ReplicaSet[],
  maxBefore: number,
): Scaling {
  const wanted = deployment.spec?.replicas ?? 0
  const allowed = wanted > 0 ? wanted + rollingLimits(deployment).maxSurge : 0
  let toAdd = allowed - total(active)
  const bySize = [...active].sort((a, b) => desired(b) - desired(a) || creationOf(b) - creationOf(a))
  const scaling = bySize.map((replicaSet) => {
    const size = desired(replicaSet)
    if (toAdd === 0 || size === 0) return { replicaSet, replicas: size }
    const share = Math.round((size * allowed) / Math.max(1, maxBefore)) - size
    const change = toAdd > 0 ? Math.min(share, toAdd) : Math.max(share, toAdd)
    toAdd -= change
    return { replicaSet, replicas: Math.max(0, size + change) }
  })
  const [largest] = scaling
  if (largest) largest.replicas = Math.max(0, largest.replicas + toAdd)
  return scaling
}
