import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js'
import type { KubernetesClient } from './client.ts'
import { autoscalerFacts } from './controller-facts.ts'
import { resources } from './resources.ts'

/** How many pods a Deployment is to have, and who decides about it. */
export interface Scale {
  replicas: number
  /** Somebody has paused its rollout: it can be scaled, and its pods are not replaced. */
  paused?: true
  /** The HorizontalPodAutoscaler that changes `replicas` between these. */
  autoscaler?: { name: string; min: number; max: number }
}

const MERGE = 'application/merge-patch+json'
const BY = 'emr'

/** The number of pods of Deployments in one namespace, and their restart. */
export class Scaling {
  readonly #client: KubernetesClient
  readonly #namespace: string

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client
    this.#namespace = namespace
  }

  /** @throws {KubernetesApiError} 404 when there is no such Deployment */
  async read(deployment: string, signal: AbortSignal): Promise<Scale> {
    const where = { namespace: this.#namespace, signal }
    const [{ spec }, autoscalers] = await Promise.all([
      this.#client.get<Deployment>(resources.deployments, deployment, where),
      this.#client.list<HorizontalPodAutoscaler>(resources.autoscalers, where),
    ])
    const own = autoscalers.items.map(autoscalerFacts).find(({ target }) => target === deployment)
    const replicas = spec?.replicas ?? 1
    return {
      replicas,
      ...(spec?.paused && { paused: true as const }),
      ...(own && { autoscaler: { name: own.name, min: own.min, max: own.max } }),
    }
  }

  /** Patches `spec.replicas`. An autoscaler reverts what lies outside of its limits. */
  async setReplicas(deployment: string, replicas: number, signal: AbortSignal): Promise<void> {
    const options = {
      type: MERGE,
      subresource: 'scale',
      namespace: this.#namespace,
      fieldManager: BY,
      signal,
    } as const
    await this.#client.patch(resources.deployments, deployment, { spec: { replicas } }, options)
  }

  /** Patches an autoscaler's `spec.minReplicas`. */
  async setMinimum(autoscaler: string, minReplicas: number, signal: AbortSignal): Promise<void> {
    const options = { type: MERGE, namespace: this.#namespace, fieldManager: BY, signal } as const
    await this.#client.patch(resources.autoscalers, autoscaler, { spec: { minReplicas } }, options)
  }

  /** Rolls all pods, as `kubectl rollout restart` does: by an annotation of the pod template. @param at ISO 8601 */
  async restart(deployment: string, at: string, signal: AbortSignal): Promise<void> {
    const annotations = { 'kubectl.kubernetes.io/restartedAt': at }
    const patch = { spec: { template: { metadata: { annotations } } } }
    const options = { type: MERGE, namespace: this.#namespace, fieldManager: BY, signal } as const
    await this.#client.patch(resources.deployments, deployment, patch, options)
  }
}
