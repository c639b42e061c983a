import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  MetricStatus,
} from 'kubernetes-types/autoscaling/v2.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isApiError } from '../../adapters/kubernetes/api-error.ts'
import { resourcePath } from '../../adapters/kubernetes/resources.ts'
import { formatQuantity, quantityValue } from '../../domain/quantity.ts'
import { matchesSelector } from '../api/selectors.ts'
import { timestamp } from '../json.ts'
import type { Cluster } from './cluster.ts'
import { isActive, MANAGER } from './pods.ts'
import { types } from './types.ts'

const SOURCE = { component: 'horizontal-pod-autoscaler' }
/** Seconds of cluster time between two looks at the metrics, and how long a lower need must last. */
const SYNC_SECONDS = 15
const STABILIZATION_SECONDS = 300
/** Smaller deviations from the target change nothing. */
const TOLERANCE = 0.1

interface PodMetrics {
  metadata: { name: string }
  containers: { usage: Record<string, string> }[]
}

/** HorizontalPodAutoscaler -> Deployment, by CPU and memory utilisation; after pkg/controller/podautoscaler. */
export function startAutoscalers(cluster: Cluster): void {
  const autoscalers = cluster.collection<HorizontalPodAutoscaler>(types.autoscalers)
  const deployments = cluster.collection<Deployment>(types.deployments)
  const recommendations = new Map<string, { time: number; replicas: number }[]>()
  const queue = cluster.queue(async (uid) => {
    const autoscaler = autoscalers.byUid(uid)
    if (!autoscaler || autoscaler.metadata?.deletionTimestamp) {
      recommendations.delete(uid)
      return undefined
    }
    const history = recommendations.get(uid) ?? []
    recommendations.set(uid, history)
    await sync(cluster, autoscaler, history)
    return cluster.clock.milliseconds(SYNC_SECONDS)
  })
  autoscalers.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.uid ?? '')
  })
  deployments.onChange(({ metadata }, isDeleted) => {
    for (const autoscaler of autoscalers.list(metadata?.namespace)) {
      const isTarget = autoscaler.spec?.scaleTargetRef.name === metadata?.name
      if (isTarget && !isDeleted) queue.add(autoscaler.metadata?.uid ?? '')
    }
  })
}

type Condition = Pick<HorizontalPodAutoscalerCondition, 'type' | 'status' | 'reason' | 'message'>

interface Proposal {
  replicas: number
  currentMetrics: MetricStatus[]
  condition: Condition
  /** Which metric it comes from, for the event. */
  why: string
}

async function sync(
  cluster: Cluster,
  autoscaler: HorizontalPodAutoscaler,
  history: { time: number; replicas: number }[],
): Promise<void> {
  const { metadata, spec, status } = autoscaler
  if (!spec) return
  const { namespace = '' } = metadata ?? {}
  const target = cluster.collection<Deployment>(types.deployments).get(namespace, spec.scaleTargetRef.name)
  if (!target) {
    const message = `the HPA controller was unable to get the target's current scale: deployments.apps "${spec.scaleTargetRef.name}" not found`
    const failed = { type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message }
    await cluster.setStatus(types.autoscalers, autoscaler, withConditions(status, [failed], {}), MANAGER)
    return
  }
  const current = target.spec?.replicas ?? 0
  const min = spec.minReplicas ?? 1
  const proposal = await propose(cluster, autoscaler, target, current)
  const stable = current < min ? proposal.replicas : stabilize(cluster, history, proposal.replicas, current)
  const desired = current === 0 ? 0 : Math.min(spec.maxReplicas, Math.max(min, stable))
  const conditions: Condition[] = [
    ableToScale(desired, current),
    proposal.condition,
    limited(desired, stable, min),
  ]
  if (current === 0) {
    const message = 'scaling is disabled since the replica count of the target is zero'
    conditions.splice(1, 2, { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message })
  }
  if (desired !== current)
    await rescale(cluster, autoscaler, target, desired, current < min ? '' : proposal.why)
  const counts = {
    currentReplicas: current,
    desiredReplicas: desired,
    ...(proposal.currentMetrics.length > 0 ? { currentMetrics: proposal.currentMetrics } : {}),
    ...(desired === current ? {} : { lastScaleTime: timestamp() }),
  }
  await cluster.setStatus(types.autoscalers, autoscaler, withConditions(status, conditions, counts), MANAGER)
}

function ableToScale(desired: number, current: number): Condition {
  if (desired === current) {
    const message = 'recommended size matches current size'
    return { type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale', message }
  }
  const message = `the HPA controller was able to update the target scale to ${desired}`
  return { type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message }
}

function limited(desired: number, wanted: number, min: number): Condition {
  const draft = (status: string, reason: string, message: string) => ({
    type: 'ScalingLimited',
    status,
    reason,
    message,
  })
  if (desired === wanted)
    return draft('False', 'DesiredWithinRange', 'the desired count is within the acceptable range')
  if (desired === min && wanted < min) {
    return draft('True', 'TooFewReplicas', 'the desired replica count is less than the minimum replica count')
  }
  return draft('True', 'TooManyReplicas', 'the desired replica count is more than the maximum replica count')
}

async function rescale(
  cluster: Cluster,
  autoscaler: HorizontalPodAutoscaler,
  target: Deployment,
  replicas: number,
  why: string,
): Promise<void> {
  await cluster.client.patch(
    types.deployments,
    target.metadata?.name ?? '',
    { spec: { replicas } },
    {
      type: 'application/merge-patch+json',
      namespace: target.metadata?.namespace,
      subresource: 'scale',
      fieldManager: MANAGER,
    },
  )
  const reason = why || 'Current number of replicas below Spec.MinReplicas'
  const message = `New size: ${replicas}; reason: ${reason}`
  cluster.events.record(autoscaler, SOURCE, { type: 'Normal', reason: 'SuccessfulRescale', message })
}

/** The largest of what the metrics ask for. */
async function propose(
  cluster: Cluster,
  { metadata, spec }: HorizontalPodAutoscaler,
  target: Deployment,
  current: number,
): Promise<Proposal> {
  const { namespace = '' } = metadata ?? {}
  const pods = cluster
    .collection<Pod>(types.pods)
    .list(namespace)
    .filter((pod) => isActive(pod) && matchesSelector(target.spec?.selector, pod.metadata?.labels))
  const metrics = await podMetrics(cluster, namespace)
  if (metrics instanceof Error) {
    const why = `unable to fetch metrics from resource metrics API: ${metrics.message} (get pods.metrics.k8s.io)`
    return withoutMetrics(current, why)
  }
  const measured = (spec?.metrics ?? []).flatMap(({ resource }) => {
    const target_ = resource?.target.averageUtilization
    const usage = resource && utilization(pods, metrics, resource.name)
    if (!resource || !usage || target_ === undefined) return []
    const ratio = usage.percent / target_
    const isWithin = Math.abs(ratio - 1) <= TOLERANCE
    return [
      { ...usage, name: resource.name, replicas: isWithin ? current : Math.ceil(ratio * usage.pods), ratio },
    ]
  })
  const [largest] = measured.toSorted((a, b) => b.replicas - a.replicas)
  if (!largest) return withoutMetrics(current, 'no metrics returned from resource metrics API')
  const direction = largest.ratio > 1 ? 'above' : 'below'
  return {
    replicas: largest.replicas,
    currentMetrics: measured.map(({ name, percent, average }) => ({
      type: 'Resource',
      resource: { name, current: { averageUtilization: percent, averageValue: average } },
    })),
    condition: {
      type: 'ScalingActive',
      status: 'True',
      reason: 'ValidMetricFound',
      message: `the HPA was able to successfully calculate a replica count from ${largest.name} resource utilization (percentage of request)`,
    },
    why:
      largest.ratio > 1
        ? `${largest.name} resource utilization (percentage of request) ${direction} target`
        : 'All metrics below target',
  }
}

/** @returns the refusal where metrics-server is away */
async function podMetrics(cluster: Cluster, namespace: string): Promise<PodMetrics[] | Error> {
  try {
    const path = resourcePath(types.podMetrics, { namespace })
    const { items } = await cluster.client.json<{ items: PodMetrics[] }>('GET', path, { attempts: 1 })
    return items
  } catch (error) {
    if (isApiError(error, 404) || isApiError(error, 503)) return error
    throw error
  }
}

function withoutMetrics(current: number, why: string): Proposal {
  const message = `the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: ${why}`
  const condition = { type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric', message }
  return { replicas: current, currentMetrics: [], condition, why: '' }
}

/** The usage of the measured pods in per cent of what they request. */
function utilization(pods: Pod[], metrics: PodMetrics[], resource: string) {
  let used = 0
  let requested = 0
  let count = 0
  for (const pod of pods) {
    const measured = metrics.find(({ metadata }) => metadata.name === pod.metadata?.name)
    if (!measured) continue
    count += 1
    for (const { usage } of measured.containers) used += quantityValue(usage[resource])
    for (const { resources } of pod.spec?.containers ?? [])
      requested += quantityValue(resources?.requests?.[resource])
  }
  if (count === 0 || requested === 0) return undefined
  // CPU is told in thousandths, memory in whole bytes.
  const unit = resource === 'cpu' ? 1_000_000n : 1_000_000_000n
  const average = formatQuantity(BigInt(Math.round((used / count) * (1e9 / Number(unit)))) * unit)
  return { percent: Math.round((used * 100) / requested), average, pods: count }
}

/** A lower need counts only when nothing higher was asked for in the last five minutes. */
function stabilize(
  cluster: Cluster,
  history: { time: number; replicas: number }[],
  wanted: number,
  current: number,
): number {
  if (history.length === 0) history.push({ time: Date.now(), replicas: current })
  history.push({ time: Date.now(), replicas: wanted })
  while (history[0] && cluster.clock.since(history[0].time) > STABILIZATION_SECONDS) history.shift()
  return wanted >= current ? wanted : Math.min(current, Math.max(...history.map(({ replicas }) => replicas)))
}

function withConditions(
  status: HorizontalPodAutoscaler['status'],
  drafts: Condition[],
  counts: object,
): HorizontalPodAutoscaler['status'] {
  const conditions = drafts.map((draft) => {
    const old = status?.conditions?.find(({ type }) => type === draft.type)
    const since = old?.status === draft.status ? old.lastTransitionTime : timestamp()
    return { ...draft, lastTransitionTime: since }
  })
  return { ...status, ...counts, conditions } as HorizontalPodAutoscaler['status']
}
