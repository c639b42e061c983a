import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { isTransient, KubernetesApiError, KubernetesConnectionError } from './api-error.ts'
import type { ClusterAccess } from './kubeconfig.ts'
import { ListSplitter } from './list-splitter.ts'
import { resourcePath } from './resources.ts'
import type { ApiStatus, KubernetesList, KubernetesObject, ResourceType, WatchEvent } from './types.ts'

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml'

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

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  contentType?: string
  accept?: string
  signal?: AbortSignal
  /** Milliseconds to the end of the answer. Default 30,000. */
  timeoutMs?: number
  /** Tries in all where the server is throttled, faulty or out of reach. Default 5; 1 turns it off. */
  attempts?: number
}

const DEFAULT_TIMEOUT_MS = 30_000
const FIRST_BACKOFF_MS = 200

/**
 * A client for the Kubernetes REST API over node:https: a whole request costs less than importing a general
 * client library, and the watch keeps nothing that its caller does not keep.
 */
export class KubernetesClient {
  readonly access: ClusterAccess
  readonly #agent: Agent

  constructor(access: ClusterAccess) {
    this.access = access
    this.#agent = new Agent({ keepAlive: true, ...access.tls })
  }

  /** @throws {KubernetesApiError} 404 when there is no such object. */
  get<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    options: { namespace?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.json<T>('GET', resourcePath(type, { namespace: options.namespace, name }), options)
  }

  /** One page; without `limit`, the whole collection. Without `namespace`, of all namespaces. */
  list<T extends KubernetesObject>(
    type: ResourceType,
    options: ListOptions & { signal?: AbortSignal } = {},
  ): Promise<KubernetesList<T>> {
    const { namespace, signal, ...query } = options
    return this.json<KubernetesList<T>>('GET', resourcePath(type, { namespace }), { query, signal })
  }

  /**
   * One page, item by item as it arrives. A page that is asked for again, because the connection broke, is taken again.
   * @returns the page without its items
   */
  each<T extends KubernetesObject>(
    type: ResourceType,
    options: ListOptions & Pick<RequestOptions, 'signal' | 'attempts'>,
    take: (object: T) => void,
  ): Promise<KubernetesList<T>> {
    const { namespace, signal, attempts, ...query } = options
    const path = resourcePath(type, { namespace })
    return this.#retrying({ signal, attempts }, async () => {
      const response = await this.#send('GET', path, { query, signal, accept: 'application/json' })
      const splitter = new ListSplitter()
      try {
        for await (const chunk of response)
          for (const item of splitter.push(chunk)) take(JSON.parse(item) as T)
        return splitter.end<KubernetesList<T>>()
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
    for await (const line of this.lines(path, { query: { ...query, watch: true }, signal, onOpen })) {
      yield JSON.parse(line) as WatchEvent<T>
    }
  }

  /** The lines of a streamed answer (watch, pod logs), as they arrive. */
  async *lines(path: string, options: RequestOptions & { onOpen?: () => void } = {}): AsyncGenerator<string> {
    const response = await this.#send('GET', path, { ...options, timeoutMs: 0 })
    options.onOpen?.()
    let rest = ''
    response.setEncoding('utf8')
    try {
      for await (const chunk of response) {
        const parts = (rest + chunk).split('\n')
        rest = parts.pop() ?? ''
        for (const line of parts) if (line !== '') yield line
      }
    } catch (error) {
      throw new KubernetesConnectionError(this.access.server, error as Error)
    } finally {
      response.destroy()
    }
    if (rest !== '') yield rest
  }

  /** A whole answer as text, for example a finished pod's log. */
  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    return this.#retrying(options, async () => {
      const response = await this.#send(method, path, options)
      return readAll(response, this.access.server)
    })
  }

  /** A whole answer as JSON. */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return JSON.parse(await this.text(method, path, { accept: 'application/json', ...options })) as T
  }

  /** One request and its answer, whatever its status, without another try: for what stands behind a proxy. */
  async exchange(
    method: string,
    path: string,
    options: RequestOptions & { headers?: Record<string, string> } = {},
  ): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
    const response = await this.#open(method, path, options)
    const body = await readAll(response, this.access.server)
    return { status: response.statusCode ?? 500, headers: response.headers, body }
  }

  /** Ends kept-alive connections. */
  close(): void {
    this.#agent.destroy()
  }

  async #retrying<T>(options: RequestOptions, attempt: () => Promise<T>): Promise<T> {
    const attempts = options.attempts ?? 5
    for (let n = 1; ; n += 1) {
      try {
        return await attempt()
      } catch (error) {
        if (n >= attempts || options.signal?.aborted || !isTransient(error)) throw error
        const asked = error instanceof KubernetesApiError ? error.retryAfterMs : undefined
        await delay(asked ?? FIRST_BACKOFF_MS * 2 ** (n - 1), undefined, { signal: options.signal })
      }
    }
  }

  async #send(method: string, path: string, options: RequestOptions): Promise<IncomingMessage> {
    const response = await this.#open(method, path, options)
    if ((response.statusCode ?? 500) >= 400) throw await refusal(method, path, response, this.access.server)
    return response
  }

  async #open(
    method: string,
    path: string,
    options: RequestOptions & { headers?: Record<string, string> },
  ): Promise<IncomingMessage> {
    options.signal?.throwIfAborted()
    const url = new URL(this.access.server.replace(/\/$/, '') + path)
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value))
    }
    const body = bodyOf(options.body)
    const token = await this.access.token?.()
    return new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpsRequest(url, {
        method,
        agent: this.#agent,
        signal: options.signal,
        headers: {
          ...options.headers,
          accept: options.accept ?? '*/*',
          'user-agent': 'emr',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined
            ? {}
            : { 'content-type': options.contentType ?? 'application/json', 'content-length': body.length }),
        },
      })
      request.on('response', resolve)
      request.on('error', (error) =>
        reject(options.signal?.aborted ? error : new KubernetesConnectionError(this.access.server, error)),
      )
      const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
      if (timeoutMs > 0) {
        request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      }
      request.end(body)
    })
  }
}

/** Bytes go out as they are, everything else as JSON. */
function bodyOf(body: unknown): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(JSON.stringify(body))
}

function writeQuery(options: WriteOptions): RequestOptions['query'] {
  return {
    dryRun: options.dryRun ? 'All' : undefined,
    fieldManager: options.fieldManager,
    force: options.force,
  }
}

async function readAll(response: IncomingMessage, server: string): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  try {
    for await (const chunk of response) text += chunk
  } catch (error) {
    throw new KubernetesConnectionError(server, error as Error)
  }
  return text
}

async function refusal(
  method: string,
  path: string,
  response: IncomingMessage,
  server: string,
): Promise<KubernetesApiError> {
  const text = await readAll(response, server)
  let body: ApiStatus
  try {
    body = JSON.parse(text) as ApiStatus
  } catch {
    body = { message: text.trim() || undefined }
  }
  const retryAfter = Number(response.headers['retry-after'])
  return new KubernetesApiError(response.statusCode ?? 500, body, {
    request: `${method} ${path}`,
    retryAfterMs: retryAfter > 0 ? retryAfter * 1000 : undefined,
  })
}
