import type { ConfigMap, Node, Pod, Secret } from 'kubernetes-types/core/v1.js'
import type { ContainerMemory } from '../node/container.ts'
import { type NodeView, PodStep } from '../node/pod-step.ts'
import type { Cluster } from './cluster.ts'
import type { Collection } from './collection.ts'
import { types } from './types.ts'

/** How long containers take to stop after SIGTERM, in seconds of cluster time; at most the grace period. */
const STOP_SECONDS = 1

/** The kubelets of all nodes: they run the pods that are bound to them, as far as their status tells. */
export function startKubelets(cluster: Cluster): void {
  const pods = cluster.collection<Pod>(types.pods)
  const kubelet = new Kubelet(cluster)
  const queue = cluster.queue(async (uid) => {
    const pod = pods.byUid(uid)
    return pod && kubelet.sync(pod)
  })
  pods.onChange((pod, isDeleted) => {
    const uid = pod.metadata?.uid ?? ''
    if (isDeleted) kubelet.forget(pod)
    else if (pod.spec?.nodeName) queue.add(uid)
  })
}

class Kubelet {
  readonly #cluster: Cluster
  readonly #nodes: Collection<Node>
  readonly #secrets: Collection<Secret>
  readonly #configMaps: Collection<ConfigMap>
  /** By pod uid, by container name. */
  readonly #memory = new Map<string, Map<string, ContainerMemory>>()
  readonly #images = new Set<string>()
  readonly #addresses = new Set<string>()
  readonly #stopping = new Map<string, number>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#nodes = cluster.collection<Node>(types.nodes)
    this.#secrets = cluster.collection<Secret>(types.secrets)
    this.#configMaps = cluster.collection<ConfigMap>(types.configMaps)
  }

  forget({ metadata, status }: Pod): void {
    this.#memory.delete(metadata?.uid ?? '')
    this.#stopping.delete(metadata?.uid ?? '')
    this.#addresses.delete(status?.podIP ?? '')
  }

  /** @returns real milliseconds until the pod is to be looked at again */
  async sync(pod: Pod): Promise<number | undefined> {
    if (pod.metadata?.deletionTimestamp) return this.#stop(pod)
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return undefined
    if (pod.status?.podIP) this.#addresses.add(pod.status.podIP)
    const { status, events, wakeAt } = new PodStep(pod, this.#view(pod)).advance()
    const source = { component: 'kubelet', host: pod.spec?.nodeName ?? '' }
    for (const event of events) this.#cluster.events.record(pod, source, event)
    await this.#cluster.setStatus(types.pods, pod, status, 'kubelet')
    return wakeAt === undefined ? undefined : wakeAt - Date.now()
  }

  #view({ metadata, spec }: Pod): NodeView {
    const { namespace = '', uid = '' } = metadata ?? {}
    const node = spec?.nodeName ?? ''
    const memory = this.#memory.get(uid) ?? new Map<string, ContainerMemory>()
    this.#memory.set(uid, memory)
    const host = this.#nodes.get('', node)
    return {
      settings: this.#cluster.settings,
      now: Date.now(),
      hostAddress: host?.status?.addresses?.[0]?.address ?? '10.0.0.1',
      podAddress: () => this.#address(),
      hasImage: (image) => this.#images.has(`${node} ${image}`),
      addImage: (image) => this.#images.add(`${node} ${image}`),
      holds: (kind, name, key) => {
        const object =
          kind === 'Secret' ? this.#secrets.get(namespace, name) : this.#configMaps.get(namespace, name)
        return object !== undefined && (key === undefined || key in (object.data ?? {}))
      },
      memory,
    }
  }

  /** The private subnets of the platform's VPC are 10.0.32.0/19 and up. */
  #address(): string {
    for (;;) {
      const number = Math.floor(Math.random() * 0x6000) + 0x2000
      const address = `10.0.${number >> 8}.${number & 0xff}`
      if (this.#addresses.has(address)) continue
      this.#addresses.add(address)
      return address
    }
  }

  async #stop(pod: Pod): Promise<number | undefined> {
    const uid = pod.metadata?.uid ?? ''
    const since = this.#stopping.get(uid)
    if (since === undefined) {
      this.#stopping.set(uid, Date.now())
      const source = { component: 'kubelet', host: pod.spec?.nodeName ?? '' }
      for (const { name, state } of pod.status?.containerStatuses ?? []) {
        if (!state?.running) continue
        const draft = {
          reason: 'Killing',
          message: `Stopping container ${name}`,
          fieldPath: `spec.containers{${name}}`,
        }
        this.#cluster.events.record(pod, source, { type: 'Normal', ...draft })
      }
    }
    const grace = Math.min(STOP_SECONDS, pod.metadata?.deletionGracePeriodSeconds ?? 0)
    const left = this.#cluster.clock.milliseconds(grace) - (since === undefined ? 0 : Date.now() - since)
    if (left > 0) return left
    await this.#cluster.delete(types.pods, pod, { gracePeriodSeconds: 0 })
    return undefined
  }
}
