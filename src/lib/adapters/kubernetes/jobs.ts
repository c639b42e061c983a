import { setTimeout as delay } from 'node:timers/promises'
import type { Job } from 'kubernetes-types/batch/v1.js'
import { isApiError, isTransient } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { resourcePath, resources } from './resources.ts'

const RETRY_MS = 500

/** The Jobs of one namespace, and what their pods write. */
export class Jobs {
  readonly #client: KubernetesClient
  readonly #namespace: string

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client
    this.#namespace = namespace
  }

  /** @throws {KubernetesApiError} when the API server refuses it */
  create(job: Job, signal: AbortSignal): Promise<Job> {
    return this.#client.create<Job>(resources.jobs, job, { namespace: this.#namespace, signal })
  }

  /** Removes a Job and its pods, which get their time to end; one that is gone is left so. */
  async delete(name: string, signal: AbortSignal): Promise<void> {
    try {
      const options = { namespace: this.#namespace, propagationPolicy: 'Background', signal } as const
      await this.#client.delete(resources.jobs, name, options)
    } catch (error) {
      if (!isApiError(error, 404)) throw error
    }
  }

  /**
   * The lines of a container from its start to its end, each once, also when the connection breaks in between: servers
   * end a log that is followed after some hours.
   * @param source.hasEnded whether no more lines will come once a stream ends
   */
  async *follow(
    source: { pod: string; container: string; hasEnded: () => boolean },
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    const { pod, container, hasEnded } = source
    const path = resourcePath(resources.pods, { namespace: this.#namespace, name: pod, subresource: 'log' })
    let last = ''
    for (;;) {
      const isLast = hasEnded()
      try {
        const query = { container, follow: true, timestamps: true, sinceTime: last || undefined }
        for await (const line of this.#client.lines(path, { query, signal })) {
          const [, time = '', text = ''] = /^(\S+) (.*)$/s.exec(line) ?? []
          // Fixed digits: times compare as texts. `sinceTime` is of seconds.
          if (time <= last) continue
          last = time
          yield text
        }
        if (isLast) return
      } catch (error) {
        signal.throwIfAborted()
        if (isApiError(error, 404)) return
        if (!isTransient(error) && !isApiError(error, 400)) throw error
      }
      await delay(RETRY_MS, undefined, { signal })
    }
  }
}
