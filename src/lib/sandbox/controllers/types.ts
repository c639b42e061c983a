import type { ResourceType } from '../../adapters/kubernetes/types.ts'
import { builtInTypes } from '../api/resources.ts'

function built(kind: string): ResourceType {
  const type = builtInTypes.find((candidate) => candidate.kind === kind)
  if (!type) throw new Error(`no built-in kind ${kind}`)
  return type
}

/** The collections that the controllers read and write. */
export const types = {
  configMaps: built('ConfigMap'),
  customResourceDefinitions: built('CustomResourceDefinition'),
  daemonSets: built('DaemonSet'),
  deployments: built('Deployment'),
  endpoints: built('Endpoints'),
  endpointSlices: built('EndpointSlice'),
  events: built('Event'),
  autoscalers: built('HorizontalPodAutoscaler'),
  ingresses: built('Ingress'),
  ingressClasses: built('IngressClass'),
  jobs: built('Job'),
  leases: built('Lease'),
  namespaces: built('Namespace'),
  nodes: built('Node'),
  podMetrics: built('PodMetrics'),
  pods: built('Pod'),
  budgets: built('PodDisruptionBudget'),
  quotas: built('ResourceQuota'),
  replicaSets: built('ReplicaSet'),
  secrets: built('Secret'),
  serviceAccounts: built('ServiceAccount'),
  services: built('Service'),
  externalSecrets: {
    group: 'external-secrets.io',
    version: 'v1',
    kind: 'ExternalSecret',
    plural: 'externalsecrets',
    namespaced: true,
  },
  clusterSecretStores: {
    group: 'external-secrets.io',
    version: 'v1',
    kind: 'ClusterSecretStore',
    plural: 'clustersecretstores',
    namespaced: false,
  },
} satisfies Record<string, ResourceType>
