import { KubernetesConnectionError } from './api-error.ts'
import { ListSplitter } from './list-splitter.ts'
import { resourcePath } from './resources.ts'
import { answerOf, KubernetesTransport, type RequestOptions } from './transport.ts'
import type { KubernetesList, KubernetesObject, KubernetesPage, ResourceType, WatchEvent } from './types.ts'

/** Megabytes, perhaps over a slow line. */
const PAGE_TIMEOUT_MS = 120_000

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml'

/** The Accept of a list of PartialObjectMetadata. */
export const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

/** A server sends a bookmark about once a minute; a watch without one for longer hangs. */
const WATCH_IDLE_MS = 90_000

export interface ListOptions {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  limit?: number
  continue?: string
  resourceVersion?: string
}

export interface WatchOptions extends ListOptions {
  allowWatchBookmarks?: boolean
  timeoutSeconds?: number
  signal?: AbortSignal
  onOpen?: () => void
}

export interface WriteOptions {
  dryRun?: boolean
  fieldManager?: string
  force?: boolean
}

/** The verbs of the Kubernetes API on typed resources. The watch keeps nothing that its caller does not keep. */
export class KubernetesClient extends KubernetesTransport {
  /** @throws {KubernetesApiError} 404 when there is no such object. */
  get<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    options: { namespace?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.json<T>('GET', resourcePath(type, { namespace: options.namespace, name }), options)
  }

  /**
   * One page; without `limit`, the whole collection. Without `namespace`, of all namespaces. An empty list of metadata is
   * `items: null` on a real server.
   * @param options.accept METADATA_ONLY for what is needed of no object but its metadata
   */
  async list<T extends KubernetesObject>(
    type: ResourceType,
    options: ListOptions & Pick<RequestOptions, 'signal' | 'accept'> = {},
  ): Promise<KubernetesList<T>> {
    const { namespace, signal, accept = 'application/json', ...query } = options
    const path = resourcePath(type, { namespace })
    const page = await this.json<KubernetesPage<T>>('GET', path, { query, signal, accept })
    // Go writes an empty list as null.
    if (page.items != null && !Array.isArray(page.items)) {
      throw new KubernetesConnectionError(this.access.server, new Error('its answer is not a list'))
    }
    return { ...page, metadata: page.metadata ?? {}, items: page.items ?? [] }
  }

  /**
   * One page, item by item as it arrives. A page that is asked for again, because the connection broke, is taken again.
   * @returns the page without its items
   */
  each<T extends KubernetesObject>(
    type: ResourceType,
    options: ListOptions & Pick<RequestOptions, 'signal' | 'attempts' | 'timeoutMs'>,
    take: (object: T) => void,
  ): Promise<KubernetesList<T>> {
    const { namespace, signal, attempts, timeoutMs, ...query } = options
    const path = resourcePath(type, { namespace })
    return this.retrying({ signal, attempts }, async () => {
      const options = { query, signal, timeoutMs: timeoutMs ?? PAGE_TIMEOUT_MS, accept: 'application/json' }
      const response = await this.send('GET', path, options)
      const splitter = new ListSplitter()
      try {
        for await (const chunk of response)
          for (const item of splitter.push(chunk)) take(JSON.parse(item) as T)
        const page = splitter.end<KubernetesPage<T>>()
        return { ...page, metadata: page.metadata ?? {}, items: [] }
      } catch (error) {
        // An answer that broke off; what `take` throws is not the server's fault.
        const broken = error instanceof SyntaxError || (error as NodeJS.ErrnoException).code !== undefined
        throw broken ? new KubernetesConnectionError(this.access.server, error as Error) : error
      }
    })
  }

  create<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options: WriteOptions & { namespace?: string; subresource?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    const { namespace, subresource } = options
    const name = subresource === undefined ? undefined : object.metadata?.name
    return this.json<T>('POST', resourcePath(type, { namespace, name, subresource }), {
      body: object,
      query: writeQuery(options),
      signal: options.signal,
    })
  }

  replace<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options: WriteOptions & { subresource?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    const { name, namespace } = object.metadata ?? {}
    return this.json<T>('PUT', resourcePath(type, { namespace, name, subresource: options.subresource }), {
      body: object,
      query: writeQuery(options),
      signal: options.signal,
    })
  }

  patch<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    patch: unknown,
    options: WriteOptions & {
      type: PatchType
      namespace?: string
      subresource?: string
      signal?: AbortSignal
    },
  ): Promise<T> {
    const { namespace, subresource } = options
    return this.json<T>('PATCH', resourcePath(type, { namespace, name, subresource }), {
      body: patch,
      contentType: options.type,
      query: writeQuery(options),
      signal: options.signal,
    })
  }

  delete(
    type: ResourceType,
    name: string,
    options: {
      namespace?: string
      propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
      gracePeriodSeconds?: number
      preconditions?: { uid?: string; resourceVersion?: string }
      signal?: AbortSignal
    } = {},
  ): Promise<unknown> {
    const { namespace, signal, ...body } = options
    return this.json('DELETE', resourcePath(type, { namespace, name }), { body, signal })
  }

  /**
   * One long-lived watch request; ends when the server closes it. Use an Informer for more than one answer.
   * @param options.onOpen called when the server has taken the request, which may be long before the first event
   */
  async *watch<T extends KubernetesObject>(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { namespace, signal, onOpen, ...query } = options
    const path = resourcePath(type, { namespace })
    for await (const line of this.lines(path, {
      query: { ...query, watch: true },
      idleMs: WATCH_IDLE_MS,
      signal,
      onOpen,
    })) {
      yield answerOf<WatchEvent<T>>(this.access.server, line)
    }
  }
}

function writeQuery(options: WriteOptions): RequestOptions['query'] {
  return {
    dryRun: options.dryRun ? 'All' : undefined,
    fieldManager: options.fieldManager,
    force: options.force,
  }
}
