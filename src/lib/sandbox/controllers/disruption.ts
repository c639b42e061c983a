import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import { matchesSelector } from '../api/selectors.ts'
import { timestamp } from '../json.ts'
import type { Cluster } from './cluster.ts'
import { controllerOf } from './owners.ts'
import { isActive, isReady, MANAGER } from './pods.ts'
import { types } from './types.ts'

/** PodDisruptionBudget status: how many pods may be evicted now; after pkg/controller/disruption. */
export function startDisruption(cluster: Cluster): void {
  const budgets = cluster.collection<PodDisruptionBudget>(types.budgets)
  const pods = cluster.collection<Pod>(types.pods)
  const queue = cluster.queue(async (uid) => {
    const budget = budgets.byUid(uid)
    if (budget && !budget.metadata?.deletionTimestamp) {
      const status = statusOf(cluster, budget, pods.list(budget.metadata?.namespace))
      await cluster.setStatus(types.budgets, budget, status, MANAGER)
    }
    return undefined
  })
  budgets.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.uid ?? '')
  })
  pods.onChange((pod) => {
    for (const budget of budgets.list(pod.metadata?.namespace)) {
      if (matchesSelector(budget.spec?.selector, pod.metadata?.labels)) queue.add(budget.metadata?.uid ?? '')
    }
  })
}

function statusOf(
  cluster: Cluster,
  { metadata, spec, status }: PodDisruptionBudget,
  pods: Pod[],
): PodDisruptionBudget['status'] {
  const covered = pods.filter((pod) => isActive(pod) && matchesSelector(spec?.selector, pod.metadata?.labels))
  const expectedPods = spec?.maxUnavailable === undefined ? covered.length : expected(cluster, covered)
  const currentHealthy = covered.filter(isReady).length
  const desiredHealthy =
    spec?.maxUnavailable === undefined
      ? absolute(spec?.minAvailable ?? 0, expectedPods)
      : Math.max(0, expectedPods - absolute(spec.maxUnavailable, expectedPods))
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0
  const isAllowed = disruptionsAllowed > 0
  const old = status?.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  const value = isAllowed ? 'True' : 'False'
  const condition = {
    type: 'DisruptionAllowed',
    status: value,
    reason: isAllowed ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: metadata?.generation,
    lastTransitionTime: old?.status === value ? old.lastTransitionTime : timestamp(),
  }
  return {
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed,
    observedGeneration: metadata?.generation,
    conditions: [condition],
  }
}

/** The size that the pods' controllers want. */
function expected(cluster: Cluster, covered: Pod[]): number {
  const replicaSets = cluster.collection<ReplicaSet>(types.replicaSets)
  const deployments = cluster.collection<Deployment>(types.deployments)
  const sizes = new Map<string, number>()
  for (const pod of covered) {
    const replicaSet = replicaSets.byUid(controllerOf(pod)?.uid ?? '')
    const deployment = replicaSet && deployments.byUid(controllerOf(replicaSet)?.uid ?? '')
    const owner = deployment ?? replicaSet
    if (owner) sizes.set(owner.metadata?.uid ?? '', owner.spec?.replicas ?? 0)
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}

function absolute(value: number | string, of: number): number {
  if (typeof value === 'number') return value
  return Math.ceil((Number.parseFloat(value) * of) / 100)
}
