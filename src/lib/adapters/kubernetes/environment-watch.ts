import { setTimeout as delay } from 'node:timers/promises'
import type { AutoscalerFacts, NodeFacts } from '../../domain/diagnosis/facts.ts'
import type { Sight, Source } from '../../domain/monitor/sight.ts'
import type { DeploymentFacts, EventFacts, PodFacts } from '../../domain/rollout/facts.ts'
import { isApiError, KubernetesConnectionError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { autoscalerFacts, nodeFacts } from './controller-facts.ts'
import { deploymentFacts, eventFacts, podFacts } from './facts.ts'
import { Informer } from './informer.ts'
import { nodeUsage, podUsage } from './metrics.ts'
import { resources } from './resources.ts'
import type { KubernetesObject, ResourceType } from './types.ts'

/** metrics-server measures every 15 s. */
const METRICS_MS = 15_000
/** Credentials may be renewed while the picture stands still. */
const RETRY_MS = 5_000

/** A local copy of what a monitor shows of one namespace: five watches, and usage by polling. */
export class EnvironmentWatch {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #signal: AbortSignal
  readonly #onChange: () => void
  readonly #sources = new Map<string, Source>()
  readonly #deployments: Informer<KubernetesObject, DeploymentFacts>
  readonly #pods: Informer<KubernetesObject, PodFacts>
  readonly #warnings: Informer<KubernetesObject, EventFacts>
  readonly #autoscalers: Informer<KubernetesObject, AutoscalerFacts>
  readonly #nodes: Informer<KubernetesObject, NodeFacts>
  #podUsage: Sight['podUsage']
  #nodeUsage: Sight['nodeUsage']
  /** Set while the server does not answer. */
  #silentError: string | undefined

  /** @param onChange called after each change of what it shows */
  constructor(client: KubernetesClient, namespace: string, signal: AbortSignal, onChange: () => void) {
    this.#client = client
    this.#namespace = namespace
    this.#signal = signal
    this.#onChange = onChange
    this.#deployments = this.#follow('deployments', resources.deployments, deploymentFacts)
    this.#pods = this.#follow('pods', resources.pods, podFacts)
    this.#warnings = this.#follow('events', resources.events, eventFacts, 'type=Warning')
    this.#autoscalers = this.#follow('autoscalers', resources.autoscalers, autoscalerFacts)
    this.#nodes = this.#follow('nodes', resources.nodes, nodeFacts)
    this.#tell({ name: 'usage', state: 'loading', at: 0 })
    void this.#measure()
  }

  /** What is known now. The parts are the live copies: to be read at once. */
  sight(): Sight {
    return {
      deployments: this.#deployments.items.values(),
      pods: this.#pods.items.values(),
      warnings: this.#warnings.items.values(),
      autoscalers: this.#autoscalers.items.values(),
      nodes: this.#nodes.items.values(),
      podUsage: this.#podUsage,
      nodeUsage: this.#nodeUsage,
      sources: [...this.#sources.values()],
    }
  }

  #follow<T extends KubernetesObject, Facts>(
    name: string,
    type: ResourceType,
    project: (object: T) => Facts,
    fieldSelector?: string,
  ): Informer<KubernetesObject, Facts> {
    this.#tell({ name, state: 'loading', at: 0 })
    const informer = new Informer<T, Facts>(this.#client, type, {
      namespace: type.namespaced ? this.#namespace : undefined,
      fieldSelector,
      signal: this.#signal,
      project,
      onChange: () => this.#tell({ name, state: 'ok', at: Date.now() }),
      onConnection: (error) =>
        error
          ? this.#lose(name, `reconnecting: ${error.message}`)
          : this.#tell({ name, state: 'ok', at: Date.now() }),
    })
    void this.#keepRunning(name, informer)
    return informer as unknown as Informer<KubernetesObject, Facts>
  }

  /** A refusal of rights is for good; one of credentials until somebody logs in. */
  async #keepRunning<T extends KubernetesObject, Facts>(
    name: string,
    informer: Informer<T, Facts>,
  ): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await informer.run()
      } catch (error) {
        const { message } = error as Error
        if (!isApiError(error, 401)) {
          this.#tell({ name, state: 'denied', at: 0, error: message })
          return
        }
        this.#lose(name, `${message}; log in again, and it goes on (emr doctor tells more)`, 'paused')
        await delay(RETRY_MS, undefined, { signal: this.#signal }).catch(() => undefined)
      }
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
        this.#hear()
      } catch (error) {
        if (this.#signal.aborted) return
        if (isApiError(error, 403)) {
          this.#tell({ name, state: 'denied', at: 0, error: (error as Error).message })
          return
        }
        this.#lose(name, (error as Error).message)
        if (error instanceof KubernetesConnectionError) this.#silence(error.message)
      }
      await delay(METRICS_MS, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  /** A server that does not answer sends no changes either, though its watches stand: what they told is old. */
  #silence(error: string): void {
    this.#silentError = error
    for (const { name, state } of this.#sources.values()) if (state === 'ok') this.#lose(name, error)
  }

  /** It answers again. A watch that has broken meanwhile has an error of its own. */
  #hear(): void {
    for (const { name, error } of this.#sources.values())
      if (error !== undefined && error === this.#silentError)
        this.#tell({ name, state: 'ok', at: Date.now() })
    this.#silentError = undefined
  }

  #lose(name: string, error: string, state: 'stale' | 'paused' = 'stale'): void {
    const at = this.#sources.get(name)?.at ?? 0
    this.#tell({ name, state, at, error })
  }

  #tell(source: Source): void {
    if (this.#signal.aborted) return
    this.#sources.set(source.name, source)
    this.#onChange()
  }
}
