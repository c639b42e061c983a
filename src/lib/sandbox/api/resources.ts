import type { ResourceType } from '../../adapters/kubernetes/types.ts'

/** A collection that the sandbox serves, with what discovery says of it. */
export interface ServedType extends ResourceType {
  singular: string
  shortNames?: string[]
  categories?: string[]
  /** Whether `status` is a subresource, so that writes to the object leave it alone. */
  status: boolean
  /** Where `scale` finds the replicas; undefined where the kind cannot be scaled. */
  scale?: { specReplicas: string; statusReplicas: string; labelSelector: string }
  /** False for what only other verbs reach, such as reviews. Default true. */
  stored?: boolean
}

type Extra = Partial<Omit<ServedType, keyof ResourceType>> & { namespaced?: boolean }

function type(group: string, version: string, kind: string, plural: string, extra: Extra = {}): ServedType {
  const { namespaced = true, ...rest } = extra
  return { group, version, kind, plural, namespaced, singular: kind.toLowerCase(), status: false, ...rest }
}

const all = ['all']
const scale = {
  specReplicas: 'spec.replicas',
  statusReplicas: 'status.replicas',
  labelSelector: 'spec.selector',
}
const cluster = { namespaced: false }
const review = { namespaced: false, stored: false }
const rbac = 'rbac.authorization.k8s.io'

/**
 * The built-in kinds: those that the charts and emr write, and those that helm, kubectl and emr read on their way.
 * Kinds without a controller here (StatefulSet, CronJob, ...) can be listed and stored, so that `kubectl get all`
 * and diagnosis find the collections that each real cluster has.
 */
export const builtInTypes: ServedType[] = [
  type('', 'v1', 'Namespace', 'namespaces', { ...cluster, shortNames: ['ns'], status: true }),
  type('', 'v1', 'Node', 'nodes', { ...cluster, shortNames: ['no'], status: true }),
  type('', 'v1', 'PersistentVolume', 'persistentvolumes', { ...cluster, shortNames: ['pv'], status: true }),
  type('', 'v1', 'Pod', 'pods', { shortNames: ['po'], categories: all, status: true }),
  type('', 'v1', 'Service', 'services', { shortNames: ['svc'], categories: all, status: true }),
  type('', 'v1', 'Endpoints', 'endpoints', { singular: 'endpoints', shortNames: ['ep'] }),
  type('', 'v1', 'ConfigMap', 'configmaps', { shortNames: ['cm'] }),
  type('', 'v1', 'Secret', 'secrets'),
  type('', 'v1', 'Event', 'events', { shortNames: ['ev'] }),
  type('', 'v1', 'ServiceAccount', 'serviceaccounts', { shortNames: ['sa'] }),
  type('', 'v1', 'ResourceQuota', 'resourcequotas', { shortNames: ['quota'], status: true }),
  type('', 'v1', 'LimitRange', 'limitranges', { shortNames: ['limits'] }),
  type('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', { shortNames: ['pvc'], status: true }),
  type('', 'v1', 'ReplicationController', 'replicationcontrollers', {
    shortNames: ['rc'],
    categories: all,
    status: true,
    scale,
  }),
  type('apps', 'v1', 'Deployment', 'deployments', {
    shortNames: ['deploy'],
    categories: all,
    status: true,
    scale,
  }),
  type('apps', 'v1', 'ReplicaSet', 'replicasets', {
    shortNames: ['rs'],
    categories: all,
    status: true,
    scale,
  }),
  type('apps', 'v1', 'StatefulSet', 'statefulsets', {
    shortNames: ['sts'],
    categories: all,
    status: true,
    scale,
  }),
  type('apps', 'v1', 'DaemonSet', 'daemonsets', { shortNames: ['ds'], categories: all, status: true }),
  type('apps', 'v1', 'ControllerRevision', 'controllerrevisions'),
  type('batch', 'v1', 'Job', 'jobs', { categories: all, status: true }),
  type('batch', 'v1', 'CronJob', 'cronjobs', { shortNames: ['cj'], categories: all, status: true }),
  type('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', {
    shortNames: ['hpa'],
    categories: all,
    status: true,
  }),
  type('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets', { shortNames: ['pdb'], status: true }),
  type('networking.k8s.io', 'v1', 'Ingress', 'ingresses', { shortNames: ['ing'], status: true }),
  type('networking.k8s.io', 'v1', 'IngressClass', 'ingressclasses', cluster),
  type('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies', { shortNames: ['netpol'] }),
  type('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices'),
  type('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  type('scheduling.k8s.io', 'v1', 'PriorityClass', 'priorityclasses', { ...cluster, shortNames: ['pc'] }),
  type('storage.k8s.io', 'v1', 'StorageClass', 'storageclasses', { ...cluster, shortNames: ['sc'] }),
  type(rbac, 'v1', 'Role', 'roles'),
  type(rbac, 'v1', 'RoleBinding', 'rolebindings'),
  type(rbac, 'v1', 'ClusterRole', 'clusterroles', cluster),
  type(rbac, 'v1', 'ClusterRoleBinding', 'clusterrolebindings', cluster),
  type('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', 'customresourcedefinitions', {
    ...cluster,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    status: true,
  }),
  type('authentication.k8s.io', 'v1', 'SelfSubjectReview', 'selfsubjectreviews', review),
  type('authorization.k8s.io', 'v1', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', review),
  type('authorization.k8s.io', 'v1', 'SelfSubjectRulesReview', 'selfsubjectrulesreviews', review),
  type('metrics.k8s.io', 'v1beta1', 'NodeMetrics', 'nodes', {
    namespaced: false,
    singular: '',
    stored: false,
  }),
  type('metrics.k8s.io', 'v1beta1', 'PodMetrics', 'pods', { singular: '', stored: false }),
]

/** `pods`, `deployments.apps`: the name of a collection in the store, in messages and in the journal. */
export function collectionOf({ group, plural }: Pick<ResourceType, 'group' | 'plural'>): string {
  return group === '' ? plural : `${plural}.${group}`
}
