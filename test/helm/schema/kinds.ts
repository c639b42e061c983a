import type { Deployment } from 'kubernetes-types/apps/v1.d.ts'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.d.ts'
import type { ConfigMap, Pod, Secret, Service, ServiceAccount } from 'kubernetes-types/core/v1.d.ts'
import type { ObjectMeta } from 'kubernetes-types/meta/v1.d.ts'
import type { Ingress, NetworkPolicy } from 'kubernetes-types/networking/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'

/** The kinds that the charts render, and Secret, which they must not; schemas are generated from these types. */
export interface Kinds {
  ConfigMap: ConfigMap
  Deployment: Deployment
  ExternalSecret: ExternalSecret
  HorizontalPodAutoscaler: HorizontalPodAutoscaler
  Ingress: Ingress
  NetworkPolicy: NetworkPolicy
  Pod: Pod
  PodDisruptionBudget: PodDisruptionBudget
  Secret: Secret
  Service: Service
  ServiceAccount: ServiceAccount
}

/** The part of the custom resource that the policies read; validate.ts has its whole schema. */
interface ExternalSecret {
  apiVersion?: 'external-secrets.io/v1'
  kind?: 'ExternalSecret'
  metadata?: ObjectMeta
  spec?: {
    secretStoreRef?: { kind?: string; name?: string }
    target?: { name?: string; creationPolicy?: string; deletionPolicy?: string }
    data?: { secretKey: string; remoteRef: { key: string; property?: string } }[]
  }
}
