import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js'
import type { Namespace, Pod } from 'kubernetes-types/core/v1.js'
import { SHOWN_LENGTH } from '../../domain/lines.ts'
import { maskedStart } from '../../domain/logs/mask.ts'
import { serviceContainer } from '../../domain/service-container.ts'
import { isApiError, isNoLog, isTransient } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { autoscalerFacts } from './controller-facts.ts'
import { serviceOf } from './facts.ts'
import { resourcePath, resources } from './resources.ts'
import { WorkloadWatch } from './workload-watch.ts'

/** How much of a log is read: of the last so many seconds, so many bytes, in so much time. */
interface LogBounds {
  seconds: number
  bytes: number
  timeoutMs: number
}

/** Of one log, as evidence. */
const LOG_BYTES = 1024 * 1024
const LAST_LINES = 2

/** What a deploy asks of one namespace of a cluster, beside what helm does there. */
export class Workloads {
  readonly #client: KubernetesClient
  readonly #namespace: string

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client
    this.#namespace = namespace
  }

  /** Of the API server, for example `v1.34.0`. */
  async clusterVersion(signal: AbortSignal): Promise<string> {
    const { gitVersion } = await this.#client.json<{ gitVersion: string }>('GET', '/version', { signal })
    return gitVersion
  }

  /** The namespace, or undefined while it does not exist. */
  async namespace(signal: AbortSignal): Promise<Namespace | undefined> {
    try {
      return await this.#client.get<Namespace>(resources.namespaces, this.#namespace, { signal })
    } catch (error) {
      if (isApiError(error, 404)) return undefined
      throw error
    }
  }

  /** Makes the namespace; one that somebody made in the meantime is left as it is. */
  async createNamespace(labels: Record<string, string>, signal: AbortSignal): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.#namespace, labels } }
    try {
      await this.#client.create(resources.namespaces, namespace, { signal })
    } catch (error) {
      if (!isApiError(error, 409)) throw error
    }
  }

  /**
   * Counts the changes of a Deployment's spec; read from the server itself, not from a watch that may lag. Undefined
   * where there is no such Deployment.
   */
  async generation(deployment: string, signal: AbortSignal): Promise<number | undefined> {
    const found = await this.#deployment(deployment, signal)
    return found && (found.metadata?.generation ?? 0)
  }

  /** Whether somebody has paused the rollout of a Deployment. */
  async isPaused(deployment: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#deployment(deployment, signal))?.spec?.paused === true
  }

  /** The image of a Deployment's own container, or undefined where there is no such Deployment. */
  async image(deployment: string, signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#deployment(deployment, signal)
    return found?.spec && serviceContainer(found.spec.template, serviceOf(found.metadata))?.image
  }

  /**
   * Gives a Deployment at once the pods that its autoscaler keeps at least: a new one has one pod until the autoscaler's
   * next look, up to 15 s later.
   * @returns that minimum; 0 where there is no autoscaler, or it may not be read
   */
  async raiseToMinimum(deployment: string, signal: AbortSignal): Promise<number> {
    const where = { namespace: this.#namespace, signal }
    try {
      const { items } = await this.#client.list<HorizontalPodAutoscaler>(resources.autoscalers, where)
      const own = items.map(autoscalerFacts).find(({ target }) => target === deployment)
      const replicas = own && (await this.#deployment(deployment, signal))?.spec?.replicas
      // One that was scaled to zero is left to whoever did that, as the autoscaler leaves it.
      if (own && replicas !== undefined && replicas > 0 && replicas < own.min)
        await this.#patch(deployment, { spec: { replicas: own.min } }, signal)
      return own?.min ?? 0
    } catch (error) {
      if (isApiError(error, 403)) return 0
      throw error
    }
  }

  /**
   * Makes the controllers of a Deployment try again to create pods that were refused, without changing its pods: they take
   * its annotations over to its ReplicaSet, whose controller acts on every change of it, whatever its back-off.
   */
  async retryPods(deployment: string, signal: AbortSignal): Promise<void> {
    const annotations = { 'emr/retried-at': new Date(this.serverNow()).toISOString() }
    await this.#patch(deployment, { metadata: { annotations } }, signal)
  }

  /** Epoch milliseconds by the clock of the API server, to the second. */
  serverNow(): number {
    return this.#client.serverNow()
  }

  async #patch(deployment: string, patch: object, signal: AbortSignal): Promise<void> {
    const options = {
      type: 'application/merge-patch+json',
      namespace: this.#namespace,
      fieldManager: 'emr',
    } as const
    await this.#client.patch(resources.deployments, deployment, patch, { ...options, signal })
  }

  async #deployment(name: string, signal: AbortSignal): Promise<Deployment | undefined> {
    try {
      return await this.#client.get(resources.deployments, name, { namespace: this.#namespace, signal })
    } catch (error) {
      if (isApiError(error, 404)) return undefined
      throw error
    }
  }

  /** A pod as it is, or undefined when it is gone. */
  async pod(name: string, signal: AbortSignal): Promise<Pod | undefined> {
    try {
      return await this.#client.get<Pod>(resources.pods, name, { namespace: this.#namespace, signal })
    } catch (error) {
      if (isApiError(error, 404)) return undefined
      throw error
    }
  }

  /**
   * The last lines of one container's log, without likely data of patients; empty where it has none (never started,
   * already rotated away).
   * @param source.previous of the run before the current one
   * @param source.within asks once, for no more than this
   * @throws {KubernetesApiError} where the log may not be read, or the server is at fault
   */
  async logLines(
    source: { pod: string; container: string; previous: boolean; lines: number; within?: LogBounds },
    signal: AbortSignal,
  ): Promise<string[]> {
    const { pod, container, previous, lines, within } = source
    const path = resourcePath(resources.pods, { namespace: this.#namespace, name: pod, subresource: 'log' })
    const limitBytes = within?.bytes ?? LOG_BYTES
    const read = (tailLines: number) =>
      this.#client.text('GET', path, {
        query: { container, previous, tailLines, sinceSeconds: within?.seconds, limitBytes },
        ...(within && { timeoutMs: within.timeoutMs, attempts: 1 }),
        signal,
      })
    try {
      let text = await read(lines)
      // The limit cuts the end, where a program says why it ended: of long lines only the last ones are read.
      if (Buffer.byteLength(text) >= limitBytes) text = await read(LAST_LINES)
      // They end up on screens and in the logs of CI systems.
      return text.split('\n').flatMap((line) => (line === '' ? [] : [maskedStart(line, SHOWN_LENGTH)]))
    } catch (error) {
      if (isNoLog(error)) return []
      throw error
    }
  }

  /** True where the same request may succeed in a moment: the API server is at fault. */
  isTransient(error: unknown): boolean {
    return isTransient(error)
  }

  /** Follows everything that a roll-out consists of, until the signal aborts. */
  watch(signal: AbortSignal): WorkloadWatch {
    return new WorkloadWatch(this.#client, this.#namespace, signal)
  }
}
