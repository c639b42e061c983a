import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js'
import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Namespace, Secret, Service, ServiceSpec } from 'kubernetes-types/core/v1.js'
import type { ClusterRoleBinding, RoleBinding } from 'kubernetes-types/rbac/v1.js'
import { type ApiObject, timestamp } from '../../json.ts'
import type { Api } from '../request.ts'
import { allocateService, defaultIngress, defaultNetworkPolicy, defaultService } from './network.ts'
import { defaultPod } from './pod.ts'
import {
  allocateJob,
  defaultAutoscaler,
  defaultCronJob,
  defaultDeployment,
  defaultJob,
  defaultReplicaSet,
  defaultSet,
} from './workloads.ts'

// biome-ignore lint/suspicious/noExplicitAny: each function takes its own kind, and `kind` has just been checked.
const byKind: Record<string, (object: any) => void> = {
  Pod: defaultPod,
  Deployment: defaultDeployment,
  ReplicaSet: defaultReplicaSet,
  StatefulSet: defaultSet,
  DaemonSet: defaultSet,
  Job: defaultJob,
  CronJob: defaultCronJob,
  HorizontalPodAutoscaler: defaultAutoscaler,
  Service: defaultService,
  Ingress: defaultIngress,
  NetworkPolicy: defaultNetworkPolicy,
  Secret: defaultSecret,
  Namespace: defaultNamespace,
  RoleBinding: defaultBinding,
  ClusterRoleBinding: defaultBinding,
  CustomResourceDefinition: defaultDefinition,
}

/**
 * Fills in what a real server fills in. Diffs of helm and kubectl, and "no change", depend on it: what comes back
 * from the server must not differ from what a repeated apply would make of it.
 */
export function applyDefaults(object: ApiObject): void {
  byKind[object.kind]?.(object)
}

/**
 * Chooses what the server chooses itself, after ownership has been settled: these fields are no manager's, so that
 * no apply can take them away.
 */
export function allocate(object: ApiObject, before: ApiObject | undefined, api: Api): void {
  if (object.kind === 'Service') {
    const old = before?.spec as ServiceSpec | undefined
    allocateService(object as unknown as Service, old, () => clusterAddresses(api))
  } else if (object.kind === 'Job') {
    allocateJob(object as unknown as Job)
  }
}

function clusterAddresses({ store }: Api): Set<string> {
  const services = store.list('services').map(({ object }) => object.spec as ServiceSpec)
  return new Set(services.map(({ clusterIP = '' }) => clusterIP))
}

function defaultSecret(secret: Secret): void {
  secret.type ??= 'Opaque'
  for (const [key, value] of Object.entries(secret.stringData ?? {})) {
    secret.data = { ...secret.data, [key]: Buffer.from(value).toString('base64') }
  }
  delete secret.stringData
}

function defaultNamespace(namespace: Namespace): void {
  const { metadata } = namespace
  if (!metadata) return
  metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name ?? '' }
  if (!metadata.deletionTimestamp) namespace.spec = { finalizers: ['kubernetes'], ...namespace.spec }
  namespace.status ??= { phase: 'Active' }
}

function defaultBinding(binding: RoleBinding | ClusterRoleBinding): void {
  binding.roleRef.apiGroup ??= 'rbac.authorization.k8s.io'
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'ServiceAccount') continue
    subject.apiGroup ??= 'rbac.authorization.k8s.io'
  }
}

/** A definition is in force at once here, where a real server takes a moment to establish it. */
function defaultDefinition(definition: CustomResourceDefinition): void {
  const { spec } = definition
  spec.conversion ??= { strategy: 'None' }
  spec.names.singular ??= spec.names.kind.toLowerCase()
  spec.names.listKind ??= `${spec.names.kind}List`
  definition.status ??= {
    acceptedNames: spec.names,
    storedVersions: spec.versions.filter(({ storage }) => storage).map(({ name }) => name),
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
  }
}

function condition(type: string, reason: string, message: string) {
  return { type, status: 'True', lastTransitionTime: timestamp(), reason, message }
}
