import type { Pod, PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import { KubernetesApiError } from '../../adapters/kubernetes/api-error.ts'
import type { KubernetesObject, ResourceType } from '../../adapters/kubernetes/types.ts'
import { messageOf } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import type { Cluster } from './cluster.ts'
import { controlledBy } from './owners.ts'
import { types } from './types.ts'

export const MANAGER = 'kube-controller-manager'
const LARGEST_BATCH = 32

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** Ready for at least so many seconds of cluster time. */
export function isAvailable(pod: Pod, minReadySeconds: number, clock: Clock): boolean {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True') return false
  return minReadySeconds === 0 || clock.since(Date.parse(ready.lastTransitionTime ?? '')) >= minReadySeconds
}

/** Not finished and not on its way out. */
export function isActive({ metadata, status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && !metadata?.deletionTimestamp
}

/**
 * Makes pods from a controller's template, in batches that double: where the first is refused, the others are not
 * tried (slowStartBatch).
 * @returns the refusal that stopped it
 */
export async function createPods(
  cluster: Cluster,
  owner: { type: ResourceType; object: KubernetesObject; component: string },
  template: PodTemplateSpec,
  count: number,
): Promise<KubernetesApiError | undefined> {
  const { namespace = '', name } = owner.object.metadata ?? {}
  const draft: Pod = {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: template.metadata?.labels,
      annotations: template.metadata?.annotations,
      ownerReferences: [controlledBy(owner.type, owner.object)],
    },
    spec: template.spec,
  }
  const record = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    cluster.events.record(owner.object, { component: owner.component }, { type, reason, message })
  for (let done = 0, batch = 1; done < count; batch = Math.min(batch * 2, LARGEST_BATCH)) {
    const size = Math.min(batch, count - done)
    const results = await Promise.allSettled(
      Array.from({ length: size }, () => cluster.create<Pod>(types.pods, draft, namespace, MANAGER)),
    )
    for (const result of results) {
      if (result.status === 'fulfilled') {
        record('Normal', 'SuccessfulCreate', `Created pod: ${result.value.metadata?.name}`)
      } else {
        record('Warning', 'FailedCreate', `Error creating: ${messageOf(result.reason)}`)
      }
    }
    const failed = results.find((result) => result.status === 'rejected')
    if (failed?.reason instanceof KubernetesApiError) return failed.reason
    if (failed) throw failed.reason
    done += size
  }
  return undefined
}
