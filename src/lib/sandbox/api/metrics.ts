import type { Pod } from 'kubernetes-types/core/v1.js'
import { at, timestamp } from '../json.ts'
import { type Usage, usageOf } from '../node/usage.ts'
import type { Entry } from '../store/entry.ts'
import { selectionOf } from './read.ts'
import type { Answer, Api, ResourceRequest } from './request.ts'
import { refuse, StatusError } from './status.ts'

const API_VERSION = 'metrics.k8s.io/v1beta1'
/** What the system itself uses of a node: kubelet, containerd and the like. */
const NODE_BASE: Usage = { cpu: 0.12, memory: 900 * 1024 ** 2 }

/**
 * metrics.k8s.io, as metrics-server serves it.
 * @throws {StatusError} 404 for a pod that is not running, and without metrics-server; 503 while it has no ready pod
 */
export function metrics(api: Api, request: ResourceRequest): Answer {
  refuseWithoutServer(api)
  if (request.verb !== 'get' && request.verb !== 'list') throw refuse.methodNotAllowed()
  const selected = selectionOf(request)
  const isNodes = request.type.kind === 'NodeMetrics'
  const entries = api.store.list(isNodes ? 'nodes' : 'pods').filter(selected)
  const items = isNodes ? nodeItems(api, entries) : entries.flatMap(podItem)
  if (request.verb === 'get') {
    if (items[0]) return { json: items[0] }
    throw refuse.notFound(request.type, request.name ?? '')
  }
  return { json: { kind: `${request.type.kind}List`, apiVersion: API_VERSION, metadata: {}, items } }
}

/** The aggregator of a real API server passes these requests on. */
function refuseWithoutServer({ store }: Api): void {
  const server = store.get('deployments.apps', 'kube-system', 'metrics-server')
  if (server === undefined) throw refuse.noSuchPath()
  if (at(server.object, 'status.availableReplicas')) return
  const message = 'the server is currently unable to handle the request'
  throw new StatusError(503, 'ServiceUnavailable', message)
}

function podItem({ object }: Entry): object[] {
  const containers = usageOf(object as unknown as Pod, Date.now())
  if (containers.length === 0) return []
  const { name, namespace, labels } = object.metadata
  return [
    {
      kind: 'PodMetrics',
      apiVersion: API_VERSION,
      metadata: { name, namespace, labels, creationTimestamp: timestamp() },
      timestamp: timestamp(),
      window: '15s',
      containers: containers.map(({ name: container, usage }) => ({ name: container, usage: text(usage) })),
    },
  ]
}

function nodeItems(api: Api, nodes: Entry[]): object[] {
  const used = new Map<string, Usage>()
  for (const { object } of api.store.list('pods')) {
    const pod = object as unknown as Pod
    const node = pod.spec?.nodeName ?? ''
    for (const { usage } of usageOf(pod, Date.now())) used.set(node, sum(used.get(node) ?? NODE_BASE, usage))
  }
  return nodes.map(({ object: { metadata } }) => ({
    kind: 'NodeMetrics',
    apiVersion: API_VERSION,
    metadata: { name: metadata.name, labels: metadata.labels, creationTimestamp: timestamp() },
    timestamp: timestamp(),
    window: '20s',
    usage: text(used.get(metadata.name ?? '') ?? NODE_BASE),
  }))
}

function sum(a: Usage, b: Usage): Usage {
  return { cpu: a.cpu + b.cpu, memory: a.memory + b.memory }
}

function text({ cpu, memory }: Usage): Record<string, string> {
  return { cpu: `${Math.round(cpu * 1e9)}n`, memory: `${Math.round(memory / 1024)}Ki` }
}
