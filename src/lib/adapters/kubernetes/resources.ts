import type { ResourceType } from './types.ts'

const core = (kind: string, plural: string, namespaced = true): ResourceType => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced,
})

const named = (group: string, version: string, kind: string, plural: string): ResourceType => ({
  group,
  version,
  kind,
  plural,
  namespaced: true,
})

/** The built-in collections that emr itself reads or writes. Everything else is found by discovery. */
export const resources = {
  pods: core('Pod', 'pods'),
  events: core('Event', 'events'),
  secrets: core('Secret', 'secrets'),
  services: core('Service', 'services'),
  configMaps: core('ConfigMap', 'configmaps'),
  serviceAccounts: core('ServiceAccount', 'serviceaccounts'),
  namespaces: core('Namespace', 'namespaces', false),
  deployments: { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
  replicaSets: { group: 'apps', version: 'v1', kind: 'ReplicaSet', plural: 'replicasets', namespaced: true },
  leases: {
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    plural: 'leases',
    namespaced: true,
  },
  ingresses: {
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'Ingress',
    plural: 'ingresses',
    namespaced: true,
  },
  endpointSlices: named('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices'),
  autoscalers: named('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  budgets: named('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  policies: named('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies'),
  externalSecrets: named('external-secrets.io', 'v1', 'ExternalSecret', 'externalsecrets'),
  claims: core('PersistentVolumeClaim', 'persistentvolumeclaims'),
  quotas: core('ResourceQuota', 'resourcequotas'),
  nodes: core('Node', 'nodes', false),
  podMetrics: named('metrics.k8s.io', 'v1beta1', 'PodMetrics', 'pods'),
  nodeMetrics: { ...named('metrics.k8s.io', 'v1beta1', 'NodeMetrics', 'nodes'), namespaced: false },
  jobs: { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true },
} satisfies Record<string, ResourceType>

/** `v1` or `apps/v1`. */
export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`
}

/** The REST path of a collection, or of one object or subresource in it. */
export function resourcePath(
  type: ResourceType,
  options: { namespace?: string; name?: string; subresource?: string } = {},
): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`
  const parts = [root]
  if (type.namespaced && options.namespace !== undefined) {
    parts.push('namespaces', encodeURIComponent(options.namespace))
  }
  parts.push(type.plural)
  if (options.name !== undefined) parts.push(encodeURIComponent(options.name))
  if (options.subresource !== undefined) parts.push(options.subresource)
  return parts.join('/')
}
