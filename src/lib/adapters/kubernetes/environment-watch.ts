import { setTimeout as delay } from 'node:timers/promises'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type {
  AutoscalerFacts,
  EndpointFacts,
  IngressFacts,
  NodeFacts,
  RecordFacts,
  ServiceFacts,
  WorkloadFacts,
} from '../../domain/diagnosis/facts.ts'
import type { Sight, Source } from '../../domain/monitor/sight.ts'
import type { EventFacts, PodFacts, ReplicaSetFacts } from '../../domain/rollout/facts.ts'
import { loginFor, messageOf } from '../../errors.ts'
import { isApiError } from './api-error.ts'
import type { KubernetesClient, ListOptions } from './client.ts'
import { Contact } from './contact.ts'
import { autoscalerFacts, nodeFacts, workloadFacts } from './controller-facts.ts'
import { eventFacts, podFacts, replicaSetFacts } from './facts.ts'
import { Informer } from './informer.ts'
import { nodeUsage, podUsage } from './metrics.ts'
import { endpointFacts, ingressFacts, serviceFacts } from './network-facts.ts'
import { LOCK, RELEASE_SETS, recordFacts, type SetRecord, setRecord } from './record-facts.ts'
import { newestRevisions } from './release-facts.ts'
import { resources } from './resources.ts'
import type { KubernetesObject, ResourceType } from './types.ts'

/** metrics-server measures every 15 s. */
const METRICS_MS = 15_000
const RELEASES_MS = 3_000
const RELEASES = 'revisions of helm'
const INGRESS_EVENTS = 'events of ingresses'
const LOCKS = 'lock'

/** A local copy of what a monitor shows of one namespace: a watch for each kind, and usage by polling. */
export class EnvironmentWatch {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #signal: AbortSignal
  readonly #onChange: () => void
  readonly #sources = new Map<string, Source>()
  readonly #deployments: Informer<KubernetesObject, WorkloadFacts>
  readonly #replicaSets: Informer<KubernetesObject, ReplicaSetFacts>
  readonly #pods: Informer<KubernetesObject, PodFacts>
  readonly #warnings: Informer<KubernetesObject, EventFacts>
  readonly #autoscalers: Informer<KubernetesObject, AutoscalerFacts>
  readonly #nodes: Informer<KubernetesObject, NodeFacts>
  readonly #services: Informer<KubernetesObject, ServiceFacts>
  readonly #endpoints: Informer<KubernetesObject, EndpointFacts>
  readonly #ingresses: Informer<KubernetesObject, IngressFacts>
  readonly #ingressEvents: Informer<KubernetesObject, EventFacts>
  readonly #records: Informer<KubernetesObject, SetRecord>
  readonly #locks: Informer<KubernetesObject, Lease>
  #podUsage: Sight['podUsage']
  #nodeUsage: Sight['nodeUsage']
  #revisions: Sight['revisions']
  readonly #informers: Informer<KubernetesObject, unknown>[] = []
  readonly #contact: Contact

  /** @param onChange called after each change of what it shows */
  constructor(client: KubernetesClient, namespace: string, signal: AbortSignal, onChange: () => void) {
    this.#client = client
    this.#namespace = namespace
    this.#signal = signal
    this.#onChange = onChange
    this.#deployments = this.#follow('deployments', resources.deployments, workloadFacts)
    this.#replicaSets = this.#follow('replica sets', resources.replicaSets, replicaSetFacts)
    this.#pods = this.#follow('pods', resources.pods, podFacts)
    this.#warnings = this.#follow('events', resources.events, eventFacts, { fieldSelector: 'type=Warning' })
    this.#records = this.#follow('records', resources.configMaps, setRecord, { labelSelector: RELEASE_SETS })
    this.#locks = this.#follow(LOCKS, resources.leases, (lease: Lease) => lease, { fieldSelector: LOCK })
    this.#autoscalers = this.#follow('autoscalers', resources.autoscalers, autoscalerFacts)
    this.#nodes = this.#follow('nodes', resources.nodes, nodeFacts)
    this.#services = this.#follow('services', resources.services, serviceFacts)
    this.#endpoints = this.#follow('endpoints', resources.endpointSlices, endpointFacts)
    this.#ingresses = this.#follow('ingresses', resources.ingresses, ingressFacts)
    const ofIngresses = { fieldSelector: 'involvedObject.kind=Ingress' }
    this.#ingressEvents = this.#follow(INGRESS_EVENTS, resources.events, eventFacts, ofIngresses)
    this.#contact = new Contact(client, {
      namespace,
      types: [resources.deployments, resources.pods, resources.services, resources.endpointSlices],
      signal,
      onSilence: (why) => this.#silence(lossOf(why)),
      onReturn: (why) => {
        for (const informer of this.#informers) informer.relist(why)
      },
    })
    this.#tell({ name: 'usage', state: 'loading', at: 0 })
    void this.#measure()
    this.#tell({ name: RELEASES, state: 'loading', at: 0 })
    void this.#followReleases()
  }

  /** What is known now. The parts are the live copies: to be read at once. */
  sight(): Sight {
    return {
      deployments: this.#listed('deployments', this.#deployments),
      replicaSets: this.#listed('replica sets', this.#replicaSets),
      revisions: this.#revisions,
      pods: this.#pods.items.values(),
      warnings: this.#warnings.items.values(),
      autoscalers: this.#autoscalers.items.values(),
      nodes: this.#nodes.items.values(),
      services: this.#listed('services', this.#services),
      endpoints: this.#listed('endpoints', this.#endpoints),
      ingresses: this.#listed('ingresses', this.#ingresses),
      ingressEvents: this.#listed(INGRESS_EVENTS, this.#ingressEvents),
      records: this.#recordFacts(),
      podUsage: this.#podUsage,
      nodeUsage: this.#nodeUsage,
      sources: [...this.#sources.values()],
      lastContact: this.#contact.lastContact,
    }
  }

  /** Undefined before they are known: that there are none is news as well. */
  #listed<Facts>(name: string, { items }: Informer<KubernetesObject, Facts>): Facts[] | undefined {
    return this.#sources.get(name)?.at ? [...items.values()] : undefined
  }

  #follow<T extends KubernetesObject, Facts>(
    name: string,
    type: ResourceType,
    project: (object: T) => Facts,
    selection: Pick<ListOptions, 'fieldSelector' | 'labelSelector'> = {},
  ): Informer<KubernetesObject, Facts> {
    this.#tell({ name, state: 'loading', at: 0 })
    const informer = new Informer<T, Facts>(this.#client, type, {
      namespace: type.namespaced ? this.#namespace : undefined,
      ...selection,
      signal: this.#signal,
      project,
      onChange: ({ type: change }) => {
        if (change === 'replaced') this.#contact.heard()
        this.#tell({ name, state: 'ok', at: Date.now() })
      },
      onConnection: (error) =>
        error ? this.#lose(name, lossOf(error)) : this.#tell({ name, state: 'ok', at: Date.now() }),
      outlasts: (error) => !isRefusal(error),
    })
    informer.run().catch((error) => this.#deny(name, error))
    this.#informers.push(informer as unknown as Informer<KubernetesObject, unknown>)
    return informer as unknown as Informer<KubernetesObject, Facts>
  }

  /** helm's Secrets are big: only what they are labelled with is read, again and again. */
  async #followReleases(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        this.#revisions = await newestRevisions(this.#client, this.#namespace, this.#signal)
        this.#tell({ name: RELEASES, state: 'ok', at: Date.now() })
      } catch (error) {
        if (this.#signal.aborted) return
        // A number that may be old is none.
        this.#revisions = undefined
        // An identity that may not read Secrets sees no revisions, and the services are no less well.
        if (isRefusal(error))
          this.#tell({ name: RELEASES, state: 'ok', at: Date.now(), error: messageOf(error) })
        else this.#lose(RELEASES, lossOf(error))
      }
      await delay(RELEASES_MS, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  async #measure(): Promise<void> {
    const name = 'usage'
    while (!this.#signal.aborted) {
      try {
        this.#podUsage = await podUsage(this.#client, this.#namespace, this.#signal)
        this.#nodeUsage = await nodeUsage(this.#client, this.#signal)
        // Without metrics the services are no less well: it is said, and does not make the picture unknown.
        const error = this.#podUsage ? undefined : 'metrics.k8s.io is not served'
        this.#tell({ name, state: 'ok', at: Date.now(), ...(error && { error }) })
      } catch (error) {
        if (this.#signal.aborted) return
        if (isRefusal(error)) return this.#deny(name, error)
        const loss = lossOf(error)
        this.#lose(name, loss)
        // Whoever has to log in is asked for by every request, and may not wait for the next sign of life.
        if (loss.state === 'paused') this.#silence(loss)
      }
      await delay(METRICS_MS, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  /** A server that does not answer, or cannot be asked, sends no changes either, though its watches stand: they are old. */
  #silence(loss: Loss): void {
    for (const { name, state } of this.#sources.values()) if (state === 'ok') this.#lose(name, loss)
  }

  #recordFacts(): RecordFacts | undefined {
    const records = this.#listed('records', this.#records)
    const lock = this.#sources.get(LOCKS)
    if (records === undefined || lock?.state === 'loading') return undefined
    const isDenied = lock?.state === 'ok' && lock.error !== undefined
    return recordFacts(records, isDenied ? 'denied' : [...this.#locks.items.values()][0])
  }

  #deny(name: string, error: unknown): void {
    // Without the lock it is only not known whether an open operation is at work: each is said then.
    const source =
      name === LOCKS ? { state: 'ok' as const, at: Date.now() } : { state: 'denied' as const, at: 0 }
    this.#tell({ name, ...source, error: messageOf(error) })
  }

  #lose(name: string, loss: Loss): void {
    this.#tell({ name, at: this.#sources.get(name)?.at ?? 0, ...loss })
  }

  #tell(source: Source): void {
    if (this.#signal.aborted) return
    this.#sources.set(source.name, source)
    this.#onChange()
  }
}

/** A right that is not given, or a kind that is not served: waiting does not mend it. */
function isRefusal(error: unknown): boolean {
  return isApiError(error, 403) || isApiError(error, 404)
}

type Loss = Required<Pick<Source, 'state' | 'error'>>

/** What is missing only until somebody logs in stands still; everything else is tried again. */
function lossOf(error: unknown): Loss {
  const login = loginFor(error)
  return login
    ? { state: 'paused', error: `${messageOf(error)}; run: ${login}` }
    : { state: 'stale', error: `reconnecting: ${messageOf(error)}` }
}
