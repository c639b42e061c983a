import type { Deployment, DeploymentCondition, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import { timestamp } from '../../json.ts'
import { rollingLimits } from './rolling-update.ts'

type Status = NonNullable<Deployment['status']>
export type ConditionDraft = Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>

export function conditionOf(status: Status | undefined, type: string): DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}

/** Adds or replaces a condition; unchanged status and reason leave it alone, an unchanged status its transition time. */
export function withCondition(
  conditions: DeploymentCondition[],
  draft: ConditionDraft,
): DeploymentCondition[] {
  const old = conditions.find(({ type }) => type === draft.type)
  if (old?.status === draft.status && old.reason === draft.reason) return conditions
  const now = timestamp()
  const lastTransitionTime = old?.status === draft.status ? old.lastTransitionTime : now
  const others = conditions.filter(({ type }) => type !== draft.type)
  return [...others, { ...draft, lastTransitionTime, lastUpdateTime: now }]
}

/** The Deployment's replica counts and its Available condition; dc.calculateStatus. */
export function calculateStatus(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  all: ReplicaSet[],
): Status {
  const sum = (read: (status: NonNullable<ReplicaSet['status']>) => number | undefined) =>
    all.reduce((count, { status }) => count + ((status && read(status)) ?? 0), 0)
  const wanted = deployment.spec?.replicas ?? 0
  const available = sum((status) => status.availableReplicas)
  const replicas = sum((status) => status.replicas)
  const isAvailable = available >= wanted - rollingLimits(deployment).maxUnavailable
  const conditions = withCondition(deployment.status?.conditions ?? [], {
    type: 'Available',
    status: isAvailable ? 'True' : 'False',
    reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: isAvailable
      ? 'Deployment has minimum availability.'
      : 'Deployment does not have minimum availability.',
  })
  return counted({
    observedGeneration: deployment.metadata?.generation,
    replicas,
    updatedReplicas: current?.status?.replicas,
    readyReplicas: sum((status) => status.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total(all) - available),
    collisionCount: deployment.status?.collisionCount,
    conditions,
  })
}

function total(all: ReplicaSet[]): number {
  return all.reduce((sum, { spec }) => sum + (spec?.replicas ?? 0), 0)
}

/** Counts of zero are left out, as Go's `omitempty` does. */
function counted(status: Status): Status {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined && value !== 0))
}

export function isComplete({ spec, metadata }: Deployment, status: Status): boolean {
  const wanted = spec?.replicas ?? 0
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (metadata?.generation ?? 0)
  )
}

function isProgressing(before: Status | undefined, after: Status): boolean {
  const old = (status: Status | undefined) => (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0)
  return (
    (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  )
}

/**
 * The Progressing condition after this step; dc.syncRolloutStatus.
 * @param secondsSince cluster seconds since a moment in milliseconds
 */
export function progress(
  deployment: Deployment,
  status: Status,
  current: ReplicaSet | undefined,
  secondsSince: (milliseconds: number) => number,
): DeploymentCondition[] {
  const conditions = status.conditions ?? []
  const deadline = deployment.spec?.progressDeadlineSeconds
  const old = conditionOf(deployment.status, 'Progressing')
  if (deadline === undefined) return conditions.filter(({ type }) => type !== 'Progressing')
  const name = current
    ? `ReplicaSet "${current.metadata?.name}"`
    : `Deployment "${deployment.metadata?.name}"`
  const draft = (value: string, reason: string, text: string): ConditionDraft => ({
    type: 'Progressing',
    status: value,
    reason,
    message: `${name} ${text}`,
  })
  const isOver = status.replicas === status.updatedReplicas && old?.reason === 'NewReplicaSetAvailable'
  if (isOver) return conditions
  if (isComplete(deployment, status)) {
    return withCondition(conditions, draft('True', 'NewReplicaSetAvailable', 'has successfully progressed.'))
  }
  if (isProgressing(deployment.status, status)) {
    const next = draft('True', 'ReplicaSetUpdated', 'is progressing.')
    const kept = conditions.filter(({ type }) => type !== 'Progressing')
    const now = timestamp()
    const since = old?.status === 'True' ? old.lastTransitionTime : now
    return [...kept, { ...next, lastTransitionTime: since, lastUpdateTime: now }]
  }
  // After a roll-out that succeeded, time does not count until the next one has moved.
  const counts = old && old.reason !== RESUMED && old.reason !== 'NewReplicaSetAvailable'
  if (counts && secondsSince(Date.parse(old.lastUpdateTime ?? '')) >= deadline) {
    return withCondition(conditions, draft('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'))
  }
  return conditions
}

export const PAUSED = 'DeploymentPaused'
export const RESUMED = 'DeploymentResumed'

/** ReplicaFailure is taken over from the ReplicaSets: pods could not be created (quota, admission). */
export function replicaFailure(
  conditions: DeploymentCondition[],
  current: ReplicaSet | undefined,
  old: ReplicaSet[],
): DeploymentCondition[] {
  const failed = [...(current ? [current] : []), ...old].flatMap(
    ({ status }) => status?.conditions?.find(({ type }) => type === 'ReplicaFailure') ?? [],
  )[0]
  if (!failed) return conditions.filter(({ type }) => type !== 'ReplicaFailure')
  const { type, status, reason, message } = failed
  return withCondition(conditions, { type, status, reason, message })
}
