import type { OwnerReference } from 'kubernetes-types/meta/v1.js'
import { apiVersionOf } from '../../adapters/kubernetes/resources.ts'
import type { KubernetesObject, ResourceType } from '../../adapters/kubernetes/types.ts'

/** The owner that controls an object. */
export function controllerOf({ metadata }: KubernetesObject): OwnerReference | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller)
}

/** How an object names another as its controller. */
export function controlledBy(type: ResourceType, { metadata }: KubernetesObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}
