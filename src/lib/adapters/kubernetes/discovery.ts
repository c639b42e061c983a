import { isApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import type { KubernetesObject, ResourceType } from './types.ts'

interface ApiResourceList {
  resources?: { name: string; kind: string; namespaced: boolean }[] | null
}

/** Finds out from the API server which collection an object belongs to; each API group is asked once. */
export class Discovery {
  readonly #client: KubernetesClient
  readonly #groups = new Map<string, Promise<ApiResourceList | undefined>>()

  constructor(client: KubernetesClient) {
    this.#client = client
  }

  /** @returns undefined when the server does not know the kind, for example because its CRD is missing. */
  async resourceOf(object: KubernetesObject, signal?: AbortSignal): Promise<ResourceType | undefined> {
    const apiVersion = object.apiVersion ?? 'v1'
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
    const path = group === '' ? `/api/${version}` : `/apis/${apiVersion}`
    const list = this.#groups.get(path) ?? this.#ask(path, signal)
    this.#groups.set(path, list)
    const found = (await list)?.resources?.find(
      ({ kind, name }) => kind === object.kind && !name.includes('/'),
    )
    if (found === undefined) return undefined
    const { name: plural, kind, namespaced } = found
    return { group: group ?? '', version: version ?? 'v1', kind, plural, namespaced }
  }

  async #ask(path: string, signal: AbortSignal | undefined): Promise<ApiResourceList | undefined> {
    try {
      return await this.#client.json<ApiResourceList>('GET', path, { signal })
    } catch (error) {
      if (isApiError(error, 404)) return undefined
      throw error
    }
  }
}
