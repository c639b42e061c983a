import type { ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { PodFacts } from '../../domain/rollout/facts.ts'
import { loginFor } from '../../errors.ts'
import type { KubernetesClient } from './client.ts'
import { podFacts, replicaSetFacts } from './facts.ts'
import { Informer } from './informer.ts'
import { ContainerLog, type LogSource } from './pod-log.ts'
import { resources } from './resources.ts'

/** The pods of one namespace, or of one service in it, and their logs. */
export class NamespaceLogs {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #labelSelector: string | undefined
  /** By the uid of the ReplicaSet. */
  readonly #revisions = new Map<string, Promise<string | undefined>>()

  constructor(client: KubernetesClient, namespace: string, service: string | undefined) {
    this.#client = client
    this.#namespace = namespace
    this.#labelSelector = service && `app.kubernetes.io/instance=${service}`
  }

  async pods(signal: AbortSignal): Promise<PodFacts[]> {
    return (await this.#list(signal)).map(podFacts)
  }

  /** The names of the containers that the pods are to have, init containers too, also where none has started yet. */
  async containers(signal: AbortSignal): Promise<string[]> {
    const specs = (await this.#list(signal)).map(({ spec }) => spec)
    const all = specs.flatMap((spec) => [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])])
    return [...new Set(all.map(({ name }) => name))]
  }

  /**
   * Calls back with each pod that is there or comes; again when it changes.
   * @throws {KubernetesApiError} where the server refuses for good
   */
  watch(onPod: (pod: PodFacts) => void, signal: AbortSignal): Promise<void> {
    const informer: Informer<Pod, PodFacts> = new Informer<Pod, PodFacts>(this.#client, resources.pods, {
      namespace: this.#namespace,
      labelSelector: this.#labelSelector,
      signal,
      project: podFacts,
      outlasts: (error) => loginFor(error) !== undefined,
      onChange: ({ type, kept }) => {
        if (type === 'replaced') for (const pod of informer.items.values()) onPod(pod)
        else if (kept) onPod(kept)
      },
    })
    return informer.run()
  }

  /** The revision of the roll-out that made a pod; undefined for any other pod, and where that may not be read. */
  revisionOf({ name, owner }: PodFacts, signal: AbortSignal): Promise<string | undefined> {
    if (owner === undefined) return Promise.resolve(undefined)
    const known = this.#revisions.get(owner)
    if (known) return known
    // `web-6fc8886-x2x4l` is of `web-6fc8886`.
    const replicaSet = name.replace(/-[^-]+$/, '')
    const read = this.#client
      .get<ReplicaSet>(resources.replicaSets, replicaSet, { namespace: this.#namespace, signal })
      .then((found) => (found.metadata?.uid === owner ? replicaSetFacts(found).revision : undefined))
      .catch(() => undefined)
    this.#revisions.set(owner, read)
    return read
  }

  of(source: LogSource): ContainerLog {
    return new ContainerLog(this.#client, this.#namespace, source)
  }

  async #list(signal: AbortSignal): Promise<Pod[]> {
    const query = { namespace: this.#namespace, labelSelector: this.#labelSelector, signal }
    return (await this.#client.list<Pod>(resources.pods, query)).items
  }
}
