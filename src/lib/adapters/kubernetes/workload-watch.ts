import { EventEmitter } from 'node:events'
import {
  type DeploymentFacts,
  type EventFacts,
  type JobFacts,
  livePods,
  newestReplicaSet,
  type PodFacts,
  type ReplicaSetFacts,
} from '../../domain/rollout/facts.ts'
import type { RolloutFacts } from '../../domain/rollout/judge.ts'
import { messageOf } from '../../errors.ts'
import { isApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { Contact } from './contact.ts'
import { deploymentFacts, eventFacts, jobFacts, podFacts, replicaSetFacts } from './facts.ts'
import { Informer } from './informer.ts'
import { resources } from './resources.ts'
import type { KubernetesObject, ResourceType } from './types.ts'

/**
 * Follows the workloads of one namespace with one watch per kind, whatever the number of services. Emits `change`
 * after each change of what it shows.
 */
export class WorkloadWatch extends EventEmitter<{ change: [] }> {
  /** Set when the API server refuses for good, for example for a lack of rights. */
  refusal: unknown
  /** What the identity may not see of that which only explains, each as a sentence. */
  readonly gaps: string[] = []

  readonly #deployments: Informer<KubernetesObject, DeploymentFacts>
  readonly #replicaSets: Informer<KubernetesObject, ReplicaSetFacts>
  readonly #pods: Informer<KubernetesObject, PodFacts>
  readonly #events: Informer<KubernetesObject, EventFacts>
  readonly #jobs: Informer<KubernetesObject, JobFacts>
  readonly #stop = new AbortController()
  readonly #listed = new Set<string>()
  readonly #lost = new Map<string, Error>()
  readonly #contact: Contact

  constructor(client: KubernetesClient, namespace: string, signal: AbortSignal) {
    super()
    const stop = AbortSignal.any([signal, this.#stop.signal])
    const follow = <T extends KubernetesObject, Facts>(type: ResourceType, project: (object: T) => Facts) => {
      const informer = new Informer<T, Facts>(client, type, {
        namespace,
        signal: stop,
        project,
        onChange: (change) => {
          if (change.type === 'replaced') {
            this.#listed.add(type.kind)
            this.#contact.heard()
          }
          this.emit('change')
        },
        onConnection: (error) => {
          if (error) this.#lost.set(type.kind, error)
          else this.#lost.delete(type.kind)
          this.emit('change')
        },
      })
      informer.run().catch((error) => {
        // Events only explain: without them a verdict is the same, with less to say.
        if (type.kind === 'Event' && isApiError(error, 403)) {
          this.gaps.push(`events: ${messageOf(error)}`)
          this.#lost.delete(type.kind)
          this.#listed.add(type.kind)
        } else this.refusal = error
        this.emit('change')
      })
      return informer as unknown as Informer<KubernetesObject, Facts>
    }
    this.#deployments = follow(resources.deployments, deploymentFacts)
    this.#replicaSets = follow(resources.replicaSets, replicaSetFacts)
    this.#pods = follow(resources.pods, podFacts)
    this.#events = follow(resources.events, eventFacts)
    this.#jobs = follow(resources.jobs, jobFacts)
    this.#contact = new Contact(client, {
      namespace,
      types: [resources.deployments],
      signal: stop,
      onSilence: () => this.emit('change'),
      onReturn: (why) => this.relist(why),
    })
  }

  /** False until each kind has been listed once; before that, nothing is known to be absent. */
  get complete(): boolean {
    return this.#listed.size === 5
  }

  /** Why the picture is not up to date: the API server is silent, or what it sent before is being listed anew. */
  get lost(): Error | undefined {
    return this.#contact.silence ?? this.#lost.values().next().value
  }

  /** True while the API server does not answer, whatever the watches show. */
  get isSilent(): boolean {
    return this.#contact.silence !== undefined
  }

  /** Lists everything anew. Until that is done, `lost` says why. */
  relist(why: Error): void {
    const all = [this.#deployments, this.#replicaSets, this.#pods, this.#events, this.#jobs]
    for (const informer of all) informer.relist(why)
  }

  /** The roll-out of one Deployment, or undefined while it does not exist. */
  rollout(name: string): RolloutFacts | undefined {
    const deployment = find(this.#deployments, (each) => each.name === name)
    if (deployment === undefined) return undefined
    const own = [...this.#replicaSets.items.values()].filter(({ owner }) => owner === deployment.uid)
    const replicaSet = newestReplicaSet(deployment, own)
    const pods = replicaSet ? livePods(this.#podsOf(replicaSet.uid)) : []
    const others = own.filter((each) => each !== replicaSet)
    const about = new Set([deployment.uid, replicaSet?.uid, ...pods.map((pod) => pod.uid)])
    return {
      deployment,
      replicaSet,
      pods,
      old: others.flatMap(({ uid }) => livePods(this.#podsOf(uid))).length,
      events: [...this.#events.items.values()].filter((e) => about.has(e.about)),
    }
  }

  /** A Job and its pods, or undefined while it does not exist. */
  job(name: string): { job: JobFacts; pods: PodFacts[] } | undefined {
    const job = find(this.#jobs, (each) => each.name === name)
    return job && { job, pods: this.#podsOf(job.uid) }
  }

  /** A pod, or undefined when it is gone. */
  pod(uid: string): PodFacts | undefined {
    return this.#pods.items.get(uid)
  }

  /** The events about one object. */
  eventsAbout(uid: string): EventFacts[] {
    return [...this.#events.items.values()].filter((event) => event.about === uid)
  }

  close(): void {
    this.#stop.abort()
  }

  #podsOf(owner: string): PodFacts[] {
    return [...this.#pods.items.values()].filter((pod) => pod.owner === owner)
  }
}

function find<Facts>(informer: Informer<KubernetesObject, Facts>, wanted: (facts: Facts) => boolean) {
  return [...informer.items.values()].find(wanted)
}
