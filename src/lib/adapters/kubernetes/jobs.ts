import type { Job } from 'kubernetes-types/batch/v1.js'
import { isApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { resources } from './resources.ts'

/** The Jobs of one namespace. */
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
}
