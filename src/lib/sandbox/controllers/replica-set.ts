import type { ReplicaSet, ReplicaSetCondition } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesApiError } from '../../adapters/kubernetes/api-error.ts'
import { matchesSelector } from '../api/selectors.ts'
import { timestamp } from '../json.ts'
import type { Cluster } from './cluster.ts'
import { Limit } from './limit.ts'
import { controllerOf } from './owners.ts'
import { createPods, isActive, isAvailable, isReady, MANAGER } from './pods.ts'
import { types } from './types.ts'

const SOURCE = { component: 'replicaset-controller' }
/** A controller that may create no pods tries again after this long, in seconds of cluster time. */
const RETRY_SECONDS = 10
const deletions = new Limit(32)

/** ReplicaSet -> Pods; after pkg/controller/replicaset. */
export function startReplicaSets(cluster: Cluster): void {
  const replicaSets = cluster.collection<ReplicaSet>(types.replicaSets)
  const pods = cluster.collection<Pod>(types.pods)
  const queue = cluster.queue(async (uid) => {
    const replicaSet = replicaSets.byUid(uid)
    return replicaSet && sync(cluster, replicaSet, pods.ownedBy(uid))
  })
  replicaSets.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.uid ?? '')
  })
  pods.onChange((pod) => {
    const owner = controllerOf(pod)
    if (owner?.kind === 'ReplicaSet') queue.add(owner.uid)
  })
}

async function sync(cluster: Cluster, replicaSet: ReplicaSet, owned: Pod[]): Promise<number | undefined> {
  const { metadata, spec } = replicaSet
  const wanted = spec?.replicas ?? 0
  const active = owned.filter(isActive)
  let failure: KubernetesApiError | undefined
  let reason = 'FailedCreate'
  if (!metadata?.deletionTimestamp && spec?.template) {
    if (active.length < wanted) {
      const owner = { type: types.replicaSets, object: replicaSet, component: SOURCE.component }
      failure = await createPods(cluster, owner, spec.template, wanted - active.length)
    } else if (active.length > wanted) {
      reason = 'FailedDelete'
      await deletePods(cluster, replicaSet, active, active.length - wanted)
    }
  }
  const now = cluster.collection<Pod>(types.pods).ownedBy(metadata?.uid ?? '')
  const status = statusOf(cluster, replicaSet, now.filter(isActive), failure && { failure, reason })
  await cluster.setStatus(types.replicaSets, replicaSet, status, MANAGER)
  if (failure) return cluster.clock.milliseconds(RETRY_SECONDS)
  return untilAvailable(cluster, replicaSet, now)
}

async function deletePods(
  cluster: Cluster,
  replicaSet: ReplicaSet,
  active: Pod[],
  count: number,
): Promise<void> {
  const doomed = [...active].sort((a, b) => worth(a) - worth(b) || creation(b) - creation(a)).slice(0, count)
  await Promise.all(
    doomed.map(async (pod) => {
      await deletions.run(() => cluster.delete(types.pods, pod))
      const message = `Deleted pod: ${pod.metadata?.name}`
      cluster.events.record(replicaSet, SOURCE, { type: 'Normal', reason: 'SuccessfulDelete', message })
    }),
  )
}

/** Which pods go first when there are too many: unassigned, pending, unready, young (ActivePodsWithRanks). */
function worth(pod: Pod): number {
  if (!pod.spec?.nodeName) return 0
  if (pod.status?.phase !== 'Running') return 1
  return isReady(pod) ? 3 : 2
}

function creation({ metadata }: Pod): number {
  return Date.parse(metadata?.creationTimestamp ?? '')
}

function statusOf(
  cluster: Cluster,
  { metadata, spec, status }: ReplicaSet,
  active: Pod[],
  failed: { failure: KubernetesApiError; reason: string } | undefined,
): ReplicaSet['status'] {
  const labels = { matchLabels: spec?.template?.metadata?.labels ?? {} }
  const count = (test: (pod: Pod) => boolean) => active.filter(test).length || undefined
  const conditions = failureCondition(status?.conditions ?? [], failed)
  return {
    replicas: active.length,
    fullyLabeledReplicas: count((pod) => matchesSelector(labels, pod.metadata?.labels)),
    readyReplicas: count(isReady),
    availableReplicas: count((pod) => isAvailable(pod, spec?.minReadySeconds ?? 0, cluster.clock)),
    observedGeneration: metadata?.generation,
    ...(conditions.length > 0 ? { conditions } : {}),
  }
}

function failureCondition(
  conditions: ReplicaSetCondition[],
  failed: { failure: KubernetesApiError; reason: string } | undefined,
): ReplicaSetCondition[] {
  const others = conditions.filter(({ type }) => type !== 'ReplicaFailure')
  if (!failed) return others
  const old = conditions.find(({ type }) => type === 'ReplicaFailure')
  // The first message stays: a pod's name in it is another one at each try.
  if (old?.reason === failed.reason) return conditions
  const { reason, failure } = failed
  const condition = { type: 'ReplicaFailure', status: 'True', reason, message: failure.message }
  return [...others, { ...condition, lastTransitionTime: timestamp() }]
}

/** Pods that are ready but not yet for minReadySeconds call for another look. */
function untilAvailable(cluster: Cluster, { spec }: ReplicaSet, pods: Pod[]): number | undefined {
  const seconds = spec?.minReadySeconds ?? 0
  const isWaiting = pods.some((pod) => isReady(pod) && !isAvailable(pod, seconds, cluster.clock))
  return isWaiting ? cluster.clock.milliseconds(Math.min(1, seconds)) : undefined
}
