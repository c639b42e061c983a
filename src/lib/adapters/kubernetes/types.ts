import type { ObjectMeta } from 'kubernetes-types/meta/v1.js'

/** Which REST collection a kind lives in. */
export interface ResourceType {
  /** '' for the core group. */
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
}

/** Any object of the Kubernetes API; a kind's own type comes from kubernetes-types. */
export interface KubernetesObject {
  apiVersion?: string
  kind?: string
  metadata?: ObjectMeta
}

export interface KubernetesList<T> {
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number }
  items: T[]
}

/** A list as it is sent: Go's empty slice is null. */
export interface KubernetesPage<T> {
  metadata?: KubernetesList<T>['metadata']
  items?: T[] | null
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T
}

/** metav1.Status: how the API server describes a refusal. */
export interface ApiStatus {
  kind?: 'Status'
  code?: number
  reason?: string
  message?: string
  details?: { causes?: { field?: string; message?: string; reason?: string }[]; retryAfterSeconds?: number }
}
