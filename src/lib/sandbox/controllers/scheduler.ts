import type { Node, NodeSelectorTerm, Pod } from 'kubernetes-types/core/v1.js'
import { quantityValue } from '../../domain/quantity.ts'
import { timestamp } from '../json.ts'
import { isUnschedulable } from '../node/faults.ts'
import type { Cluster } from './cluster.ts'
import { types } from './types.ts'

const SOURCE = { component: 'default-scheduler' }
const ZONE = 'topology.kubernetes.io/zone'

interface Demand {
  cpu: number
  memory: number
  pods: number
}

/** Why a node cannot take a pod, and whether evicting others could change that. */
interface Rejection {
  reason: string
  preemptable: boolean
}

/** Binds pods to nodes that have room, spread over zones and nodes; after kube-scheduler. */
export function startScheduler(cluster: Cluster): void {
  const pods = cluster.collection<Pod>(types.pods)
  const nodes = cluster.collection<Node>(types.nodes)
  const used = new Map<string, { uid: string; demand: Demand }[]>()
  const unscheduled = new Set<string>()
  const queue = cluster.queue(async (uid) => {
    const pod = pods.byUid(uid)
    if (!pod || pod.spec?.nodeName || pod.metadata?.deletionTimestamp) {
      unscheduled.delete(uid)
      return undefined
    }
    const found = selectNode(pod, nodes.list(), used)
    if (found.message !== undefined) {
      unscheduled.add(uid)
      await refuse(cluster, pod, found.message)
      return undefined
    }
    reserve(used, found.node, pod)
    try {
      await bind(cluster, pod, found.node)
    } catch (error) {
      release(used, uid, found.node)
      throw error
    }
    unscheduled.delete(uid)
    return undefined
  })
  pods.onChange((pod, isDeleted) => {
    const uid = pod.metadata?.uid ?? ''
    const isOver = isDeleted || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
    if (isOver) {
      release(used, uid, pod.spec?.nodeName ?? '')
      for (const waiting of unscheduled) queue.add(waiting)
    } else if (pod.spec?.nodeName) reserve(used, pod.spec.nodeName, pod)
    else queue.add(uid)
  })
  nodes.onChange(() => {
    for (const waiting of unscheduled) queue.add(waiting)
  })
}

function demandOf({ spec }: Pod): Demand {
  const sum = (resource: string) =>
    (spec?.containers ?? []).reduce(
      (total, { resources }) => total + quantityValue(resources?.requests?.[resource]),
      0,
    )
  return { cpu: sum('cpu'), memory: sum('memory'), pods: 1 }
}

function reserve(used: Map<string, { uid: string; demand: Demand }[]>, node: string, pod: Pod): void {
  const uid = pod.metadata?.uid ?? ''
  const taken = used.get(node) ?? []
  if (!taken.some((each) => each.uid === uid)) taken.push({ uid, demand: demandOf(pod) })
  used.set(node, taken)
}

function release(used: Map<string, { uid: string; demand: Demand }[]>, uid: string, node: string): void {
  const taken = used.get(node)
  if (taken)
    used.set(
      node,
      taken.filter((each) => each.uid !== uid),
    )
}

type Choice = { node: string; message?: undefined } | { node?: undefined; message: string }

/** The fitting node with the fewest pods, in the zone with the fewest. */
function selectNode(pod: Pod, nodes: Node[], used: Map<string, { demand: Demand }[]>): Choice {
  const demand = demandOf(pod)
  const rejections: Rejection[] = []
  const fitting = nodes.filter((node) => {
    const rejected = rejectionsOf(pod, demand, node, used.get(node.metadata?.name ?? '') ?? [])
    rejections.push(...rejected)
    return rejected.length === 0
  })
  if (fitting.length === 0) return { message: failureMessage(nodes.length, rejections) }
  const count = (node: Node) => used.get(node.metadata?.name ?? '')?.length ?? 0
  const zoneOf = (node: Node) => node.metadata?.labels?.[ZONE] ?? ''
  const zones = new Map<string, number>()
  for (const node of nodes) zones.set(zoneOf(node), (zones.get(zoneOf(node)) ?? 0) + count(node))
  const load = (node: Node) => (zones.get(zoneOf(node)) ?? 0) * 1_000 + count(node)
  const [best] = fitting.sort((a, b) => load(a) - load(b))
  return { node: best?.metadata?.name ?? '' }
}

function rejectionsOf(pod: Pod, demand: Demand, node: Node, taken: { demand: Demand }[]): Rejection[] {
  const unhelpful = (reason: string): Rejection[] => [{ reason, preemptable: false }]
  if (node.spec?.unschedulable) return unhelpful('node(s) were unschedulable')
  if (!matchesNode(pod, node)) return unhelpful("node(s) didn't match Pod's node affinity/selector")
  const taint = (node.spec?.taints ?? []).find(
    ({ key, effect }) =>
      effect !== 'PreferNoSchedule' &&
      !pod.spec?.tolerations?.some(
        (toleration) =>
          (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === effect),
      ),
  )
  if (taint) return unhelpful(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`)
  if (isUnschedulable(pod)) return [{ reason: 'Insufficient cpu', preemptable: true }]
  const { allocatable = {} } = node.status ?? {}
  const free = (resource: keyof Demand) =>
    quantityValue(allocatable[resource]) - taken.reduce((sum, each) => sum + each.demand[resource], 0)
  const reasons: [keyof Demand, string][] = [
    ['pods', 'Too many pods'],
    ['cpu', 'Insufficient cpu'],
    ['memory', 'Insufficient memory'],
  ]
  return reasons
    .filter(([resource]) => demand[resource] > 0 && demand[resource] > free(resource))
    .map(([, reason]) => ({ reason, preemptable: true }))
}

function matchesNode({ spec }: Pod, { metadata }: Node): boolean {
  const labels = metadata?.labels ?? {}
  const selected = Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return selected && (!terms || terms.some((term) => matchesTerm(term, labels)))
}

function matchesTerm({ matchExpressions = [] }: NodeSelectorTerm, labels: Record<string, string>): boolean {
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key]
    if (operator === 'Exists') return value !== undefined
    if (operator === 'DoesNotExist') return value === undefined
    const isIn = value !== undefined && values.includes(value)
    return operator === 'NotIn' ? !isIn : isIn
  })
}

/** In the words of FitError.Error() and of the preemption plugin. */
function failureMessage(nodes: number, rejections: Rejection[]): string {
  const count = (reasons: string[]) => {
    const counts = new Map<string, number>()
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
    return [...counts]
      .map(([reason, number]) => `${number} ${reason}`)
      .sort()
      .join(', ')
  }
  const available = `0/${nodes} nodes are available`
  const preemption = rejections.map(({ preemptable }) =>
    preemptable ? 'No preemption victims found for incoming pod' : 'Preemption is not helpful for scheduling',
  )
  return `${available}: ${count(rejections.map(({ reason }) => reason))}. preemption: ${available}: ${count(preemption)}.`
}

async function bind(cluster: Cluster, pod: Pod, node: string): Promise<void> {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  }
  await cluster.client.create(types.pods, binding, {
    namespace,
    subresource: 'binding',
    fieldManager: 'kube-scheduler',
  })
  const message = `Successfully assigned ${namespace}/${name} to ${node}`
  cluster.events.record(pod, SOURCE, { type: 'Normal', reason: 'Scheduled', message })
}

async function refuse(cluster: Cluster, pod: Pod, message: string): Promise<void> {
  const old = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (old?.message === message) return
  cluster.events.record(pod, SOURCE, { type: 'Warning', reason: 'FailedScheduling', message })
  const now = timestamp()
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastProbeTime: null,
    lastTransitionTime: old?.lastTransitionTime ?? now,
  }
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
  const status = { conditions: [...others, condition] }
  await cluster.patch(types.pods, pod, { status }, { fieldManager: 'kube-scheduler', subresource: 'status' })
}
