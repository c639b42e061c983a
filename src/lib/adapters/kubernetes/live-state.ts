import { mergePatch } from '../../domain/manifest/patch.ts'
import { isApiError, KubernetesApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { Discovery } from './discovery.ts'
import type { KubernetesObject, ResourceType } from './types.ts'

/** What applying one object would do. */
export type Preview =
  | { state: 'absent' }
  | { state: 'present'; live: KubernetesObject; applied: KubernetesObject }
  /** The API server would refuse the object; in its own words. */
  | { state: 'refused'; message: string }

/** Asks the API server, by dry run, what objects are and what they would become. */
export class LiveState {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #discovery: Discovery

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client
    this.#namespace = namespace
    this.#discovery = new Discovery(client)
  }

  /**
   * @param previous the object as the release had it, undefined when it is new in it
   * @returns `absent` also where the namespace is yet to be made
   */
  async preview(
    previous: KubernetesObject | undefined,
    rendered: KubernetesObject,
    signal?: AbortSignal,
  ): Promise<Preview> {
    const type = await this.#discovery.resourceOf(rendered, signal)
    if (type === undefined) {
      return {
        state: 'refused',
        message: `the cluster does not know ${rendered.apiVersion} ${rendered.kind}`,
      }
    }
    const name = rendered.metadata?.name ?? ''
    const namespace = rendered.metadata?.namespace ?? this.#namespace
    try {
      const live = await this.#client.get(type, name, { namespace, signal })
      return {
        state: 'present',
        live,
        applied: await this.#apply(type, previous, rendered, namespace, signal),
      }
    } catch (error) {
      if (isApiError(error, 404)) return { state: 'absent' }
      if (isApiError(error, 422)) return { state: 'refused', message: error.message }
      throw error
    }
  }

  async #apply(
    type: ResourceType,
    previous: KubernetesObject | undefined,
    rendered: KubernetesObject,
    namespace: string,
    signal: AbortSignal | undefined,
  ): Promise<KubernetesObject> {
    const name = rendered.metadata?.name ?? ''
    const patch = (strategic: boolean) =>
      this.#client.patch(type, name, mergePatch(previous, rendered, strategic), {
        type: strategic ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json',
        namespace,
        dryRun: true,
        fieldManager: 'helm',
        signal,
      })
    try {
      return await patch(true)
    } catch (error) {
      // Custom resources have no strategic merge.
      if (error instanceof KubernetesApiError && error.status === 415) return patch(false)
      throw error
    }
  }
}
