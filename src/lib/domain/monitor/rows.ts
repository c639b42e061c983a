import { nodeState } from '../diagnosis/availability.ts'
import { severityOf } from '../diagnosis/catalogue.ts'
import type { AutoscalerFacts, Usage } from '../diagnosis/facts.ts'
import { ingressFindings, missingServiceFindings, serviceFindings } from '../diagnosis/network.ts'
import { podTroubles } from '../diagnosis/pods.ts'
import type { RolloutThresholds } from '../environment.ts'
import {
  type DeploymentFacts,
  type EventFacts,
  newestReplicaSet,
  type PodFacts,
  type ReplicaSetFacts,
} from '../rollout/facts.ts'
import { replicaState } from './replicas.ts'
import type { Setting, Sight } from './sight.ts'

export interface ServiceRow {
  service: string
  state: 'ready' | 'rolling out' | 'degraded' | 'missing' | 'idle'
  /** Ready pods of the version that is wanted. */
  ready: number
  desired: number
  /** Pods of earlier versions, ready or not. */
  old: number
  /** Of its pods: `1.9.0 → 1.9.1` while there are old and new ones; absent where there are none. */
  version?: string
  /** That its pods are to have. */
  wanted?: string
  /** helm's, as `emr rollback --revision` takes it; absent where it is not known. */
  revision?: string
  /** Milliseconds since its youngest pod was made. */
  age: number
  restarts: number
  /** Cores and bytes that its pods use. */
  cpu?: number
  memory?: number
  autoscaler?: string
}

export interface PodRow {
  pod: string
  service?: string
  reason: string
  message: string
  restarts: number
  node?: string
  age: number
  /** False for what passes by itself: a pod that starts. */
  problem: boolean
}

export interface NodeRow {
  node: string
  ready: boolean
  /** Not ready yet, and so new that it is no fault. */
  joining: boolean
  schedulable: boolean
  /** Shares from 0 to 1. */
  cpu?: number
  memory?: number
  pods: number
}

export interface UnreachedRow {
  /** `Service/api-gateway` */
  object: string
  service?: string
  reason: string
  message: string
}

export interface WarningRow {
  object: string
  reason: string
  message: string
  count: number
  age: number
}

/** `2/2`, or `0/2 new, 3 old`. */
export function readyText({ ready, desired, old }: Pick<ServiceRow, 'ready' | 'desired' | 'old'>): string {
  return old > 0 ? `${ready}/${desired} new, ${old} old` : `${ready}/${desired}`
}

/** A pod may take this long until it is ready, and has been for its minReadySeconds. */
const STARTING_MS = 120_000
const WARNINGS = 20
const WARNING_AGE_MS = 900_000

export function podRow(
  pod: PodFacts,
  events: EventFacts[],
  { rollout, served, now }: { rollout: RolloutThresholds; served: ReadonlySet<string>; now: number },
): PodRow[] {
  const restarts = pod.containers.reduce((sum, each) => sum + each.restarts, 0)
  // Nearly all pods are well, and there may be thousands.
  if (pod.phase === 'Succeeded' || (pod.ready && !pod.deleting && restarts < rollout.restarts)) return []
  const [finding] = podTroubles(pod, events, rollout, now, served)
  const problem = finding !== undefined && severityOf(finding) === 'problem'
  if (finding === undefined && pod.ready && !pod.deleting) return []
  const waiting = pod.containers.find(({ waiting: state }) => state)?.waiting
  const phase = pod.deleting
    ? 'Terminating'
    : (waiting?.reason ?? (pod.phase === 'Running' ? 'NotReady' : pod.phase))
  return [
    {
      pod: pod.name,
      service: pod.service,
      reason: finding?.reason ?? phase,
      message: finding?.message ?? waiting?.message ?? '',
      restarts,
      node: pod.node,
      age: now - pod.createdAt,
      problem,
    },
  ]
}

export function serviceRows(
  { deployments = [], replicaSets, revisions, autoscalers = [], podUsage, sources }: Sight,
  pods: PodFacts[],
  troubled: PodRow[],
  { services }: Setting,
  now: number,
): ServiceRow[] {
  const own = Map.groupBy(pods, ({ service }) => service)
  const scalers = new Map([...autoscalers].map((each) => [each.target, each]))
  const problems = new Set(troubled.flatMap(({ service, problem }) => (problem ? [service] : [])))
  const rows = deployments.map((deployment): ServiceRow => {
    const service = deployment.service ?? deployment.name
    const members = own.get(service) ?? []
    const isNew = ({ deleting, createdAt }: PodFacts) => !deleting && now - createdAt < STARTING_MS
    const starting = members.filter(isNew).length
    return {
      service,
      state: replicaState(deployment, problems.has(service), starting),
      ...podsOf(deployment, replicaSets, members),
      desired: deployment.desired,
      wanted: deployment.version,
      revision: revisions?.get(service),
      age:
        now -
        members.reduce((latest, { createdAt }) => Math.max(latest, createdAt), deployment.createdAt ?? 0),
      restarts: members
        .flatMap(({ containers }) => containers)
        .reduce((sum, { restarts }) => sum + restarts, 0),
      ...usageOf(members, podUsage),
      autoscaler: autoscalerText(scalers.get(deployment.name)),
    }
  })
  const known = new Set(rows.map(({ service }) => service))
  const listed = sources.some(({ name, at }) => name === 'deployments' && at > 0)
  const missing = listed ? services.filter((service) => !known.has(service)) : []
  return [...rows, ...missing.map(missingRow)].sort((a, b) => a.service.localeCompare(b.service))
}

/** New, old and ready pods, and their versions, by the ReplicaSets that they belong to. */
function podsOf(
  deployment: DeploymentFacts,
  replicaSets: ReplicaSetFacts[] | undefined,
  pods: PodFacts[],
): Pick<ServiceRow, 'ready' | 'old' | 'version'> {
  if (replicaSets === undefined) return { ready: deployment.available, old: 0, version: deployment.version }
  const own = new Map(
    replicaSets.filter(({ owner }) => owner === deployment.uid).map((set) => [set.uid, set]),
  )
  const newest = newestReplicaSet(deployment, own.values())
  const present = pods.filter(({ owner = '' }) => own.has(owner))
  const fresh = present.filter(({ owner }) => owner === newest?.uid)
  const old = present.filter(({ owner }) => owner !== newest?.uid)
  const versions = new Set([...old, ...fresh].map(({ owner = '' }) => own.get(owner)?.version ?? '?'))
  return {
    ready: fresh.filter(({ ready }) => ready).length,
    old: old.length,
    version: versions.size === 0 ? undefined : [...versions].join(' → '),
  }
}

function missingRow(service: string): ServiceRow {
  const none = {
    version: undefined,
    wanted: undefined,
    revision: undefined,
    cpu: undefined,
    memory: undefined,
    autoscaler: undefined,
  }
  return { service, state: 'missing', ready: 0, desired: 0, old: 0, age: 0, restarts: 0, ...none }
}

function usageOf(pods: PodFacts[], usage: Sight['podUsage']): Pick<ServiceRow, 'cpu' | 'memory'> {
  if (usage === undefined) return { cpu: undefined, memory: undefined }
  const containers = pods.flatMap(({ name }) => [...(usage.get(name)?.values() ?? [])])
  const sum = (key: keyof Usage) => containers.reduce((total, each) => total + each[key], 0)
  return { cpu: sum('cpu'), memory: sum('memory') }
}

function autoscalerText(autoscaler: AutoscalerFacts | undefined): string | undefined {
  if (autoscaler === undefined) return undefined
  const { min, max, metrics } = autoscaler
  const figures = metrics.map(({ name, current, target }) => `${name} ${current ?? '?'}/${target ?? '?'} %`)
  return `${min}-${max} ${figures.join(' ')}`
}

export function nodeRows({ nodes = [], nodeUsage }: Sight, pods: PodFacts[], now: number): NodeRow[] {
  const counts = new Map<string, number>()
  for (const { node = '' } of pods) counts.set(node, (counts.get(node) ?? 0) + 1)
  const rows = [...nodes].map((node) => {
    const { name, ready, schedulable, cpu, memory } = node
    const used = nodeUsage?.get(name)
    return {
      node: name,
      ready,
      joining: nodeState(node, now) === 'joining',
      schedulable,
      cpu: used && cpu > 0 ? used.cpu / cpu : undefined,
      memory: used && memory > 0 ? used.memory / memory : undefined,
      pods: counts.get(name) ?? 0,
    }
  })
  return rows.sort((a, b) => Number(a.ready) - Number(b.ready) || a.node.localeCompare(b.node))
}

/**
 * What keeps callers from pods that are well. Where the pods themselves are the trouble, or come only now, their own
 * rows tell.
 * @param now epoch milliseconds
 */
export function unreachedRows(
  { deployments, services, endpoints, ingresses, ingressEvents: events }: Sight,
  rows: ServiceRow[],
  now: number,
): UnreachedRow[] {
  const facts = { deployments, services, endpoints, ingresses, events }
  const states = new Map(rows.map(({ service, state }) => [service, state]))
  const found = [...serviceFindings(facts), ...missingServiceFindings(facts), ...ingressFindings(facts, now)]
  const problems = found.filter(({ code, service = '' }) => {
    const state = states.get(service) ?? 'ready'
    const isOfNetwork = state === 'ready' || (state === 'rolling out' && code !== 'NO_ENDPOINTS')
    return isOfNetwork && severityOf({ code }) === 'problem'
  })
  return problems.map(({ object, service, reason, message }) => {
    return { object: `${object.kind}/${object.name}`, service, reason, message }
  })
}

export function warningRows(warnings: EventFacts[], now: number): WarningRow[] {
  return warnings
    .filter(({ at }) => now - at < WARNING_AGE_MS)
    .sort((a, b) => b.at - a.at)
    .slice(0, WARNINGS)
    .map(({ kind, name, reason, message, count, at }) => ({
      object: `${kind}/${name}`,
      reason,
      message,
      count,
      age: now - at,
    }))
}
