import type { Schema } from './schema.ts'

/** A list of objects that merges by key: alike in strategic-merge and in server-side apply. */
const byKey = (key: string, ...more: string[]): Schema => ({
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': [key, ...more],
  'x-kubernetes-patch-merge-key': key,
  'x-kubernetes-patch-strategy': 'merge',
})
/** Merges by key in server-side apply only; strategic-merge replaces it. */
const byKeyWhenApplied = (...keys: string[]): Schema => ({
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
})
/** Merges by key in strategic-merge only; server-side apply replaces it. */
const byKeyWhenPatched = (key: string): Schema => ({
  'x-kubernetes-list-type': 'atomic',
  'x-kubernetes-patch-merge-key': key,
  'x-kubernetes-patch-strategy': 'merge',
})
const set: Schema = { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' }
const atomic: Schema = { 'x-kubernetes-map-type': 'atomic' }
const retainKeys: Schema = { 'x-kubernetes-patch-strategy': 'retainKeys' }
const conditions = byKey('type')

const container = (name: string): Record<string, Schema> => ({
  [`core.v1.${name}.env`]: byKey('name'),
  [`core.v1.${name}.ports`]: byKey('containerPort', 'protocol'),
  [`core.v1.${name}.volumeMounts`]: byKey('mountPath'),
  [`core.v1.${name}.volumeDevices`]: byKey('devicePath'),
})

/**
 * What kubernetes-types leaves out: how lists and maps merge, as the markers `+listType`, `+listMapKey`, `+mapType`,
 * `patchMergeKey` and `patchStrategy` of k8s.io/api state it. A list that is not named here is atomic, a map granular.
 */
export const listSemantics: { atomicTypes: string[]; fields: Record<string, Schema> } = {
  atomicTypes: [
    'core.v1.LocalObjectReference',
    'core.v1.TypedLocalObjectReference',
    'core.v1.ObjectReference',
    'core.v1.SecretKeySelector',
    'core.v1.ConfigMapKeySelector',
    'core.v1.ObjectFieldSelector',
    'core.v1.ResourceFieldSelector',
    'core.v1.SecretReference',
    'core.v1.NodeSelector',
    'core.v1.NodeSelectorTerm',
    'core.v1.ScopeSelector',
    'core.v1.TopologySelectorTerm',
    'meta.v1.LabelSelector',
    'networking.v1.ServiceBackendPort',
    'rbac.v1.RoleRef',
    'rbac.v1.Subject',
    'autoscaling.v2.CrossVersionObjectReference',
  ],
  fields: {
    ...container('Container'),
    ...container('EphemeralContainer'),
    'core.v1.PodSpec.containers': byKey('name'),
    'core.v1.PodSpec.initContainers': byKey('name'),
    'core.v1.PodSpec.ephemeralContainers': byKey('name'),
    'core.v1.PodSpec.imagePullSecrets': byKey('name'),
    'core.v1.PodSpec.hostAliases': byKey('ip'),
    'core.v1.PodSpec.nodeSelector': atomic,
    'core.v1.PodSpec.resourceClaims': {
      ...byKey('name'),
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
    },
    'core.v1.PodSpec.schedulingGates': byKey('name'),
    'core.v1.PodSpec.topologySpreadConstraints': byKey('topologyKey', 'whenUnsatisfiable'),
    'core.v1.PodSpec.volumes': { ...byKey('name'), 'x-kubernetes-patch-strategy': 'merge,retainKeys' },
    'core.v1.PodStatus.conditions': conditions,
    'core.v1.PodStatus.podIPs': byKey('ip'),
    'core.v1.PodStatus.hostIPs': byKeyWhenPatched('ip'),
    'core.v1.ResourceRequirements.claims': byKeyWhenApplied('name'),
    'core.v1.ServiceSpec.ports': byKey('port', 'protocol'),
    'core.v1.ServiceSpec.selector': atomic,
    'core.v1.ServiceStatus.conditions': conditions,
    'core.v1.ServiceAccount.secrets': byKey('name'),
    'core.v1.NamespaceStatus.conditions': conditions,
    'core.v1.NodeSpec.podCIDRs': set,
    'core.v1.NodeStatus.addresses': byKey('type'),
    'core.v1.NodeStatus.conditions': conditions,
    'core.v1.ReplicationControllerStatus.conditions': conditions,
    'core.v1.PersistentVolumeClaimStatus.conditions': conditions,
    // Part of a merge key, so that a port without protocol is the same port as one with TCP.
    'core.v1.ContainerPort.protocol': { default: 'TCP' },
    'core.v1.ServicePort.protocol': { default: 'TCP' },
    'apps.v1.DeploymentSpec.strategy': retainKeys,
    'apps.v1.DeploymentStatus.conditions': conditions,
    'apps.v1.ReplicaSetStatus.conditions': conditions,
    'apps.v1.StatefulSetStatus.conditions': conditions,
    'apps.v1.DaemonSetStatus.conditions': conditions,
    'batch.v1.JobStatus.conditions': byKeyWhenPatched('type'),
    'autoscaling.v2.HorizontalPodAutoscalerStatus.conditions': conditions,
    'policy.v1.PodDisruptionBudgetSpec.selector': {
      'x-kubernetes-patch-strategy': 'replace',
    },
    'policy.v1.PodDisruptionBudgetStatus.conditions': conditions,
    'networking.v1.NetworkPolicyStatus.conditions': conditions,
    'apiextensions.v1.CustomResourceDefinitionStatus.conditions': byKeyWhenApplied('type'),
    'meta.v1.ObjectMeta.finalizers': set,
    'meta.v1.ObjectMeta.ownerReferences': byKey('uid'),
  },
}
