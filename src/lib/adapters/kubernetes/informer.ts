import { setTimeout as delay } from 'node:timers/promises'
import { isApiError, isTransient, KubernetesApiError } from './api-error.ts'
import type { KubernetesClient, ListOptions } from './client.ts'
import type { ApiStatus, KubernetesObject, ResourceType } from './types.ts'

export interface InformerOptions<T extends KubernetesObject, Kept> extends ListOptions {
  signal: AbortSignal
  /** What to keep of an object; memory is this times the number of objects. */
  project: (object: T) => Kept
  /** Called after each change; `replaced` follows a list, which may have changed everything. */
  onChange: (change: { type: 'replaced' | 'changed' | 'deleted'; uid?: string; kept?: Kept }) => void
  /** Called when news are missing (no answer, a watch that has expired), and with undefined when they come again. */
  onConnection?: (error: Error | undefined) => void
  /** Further errors that are to be waited out. */
  outlasts?: (error: unknown) => boolean
}

const PAGE_SIZE = 500
const MAX_BACKOFF_MS = 10_000
/** Servers close a watch after this long at the latest. */
const WATCH_SECONDS = 290

/**
 * A local copy of a collection that follows the server: list in pages, watch with bookmarks, list again on 410
 * Gone, and reconnect with jittered backoff on anything else. Nothing ends it but the signal
 * and an error that waiting does not mend (a refusal as 401, 403, 404, or no token), where its owner does not outlast it.
 */
export class Informer<T extends KubernetesObject, Kept = T> {
  /** By uid. Replaced as a whole when the collection is listed again. */
  items = new Map<string, Kept>()
  readonly #client: Pick<KubernetesClient, 'each' | 'watch'>
  readonly #type: ResourceType
  readonly #options: InformerOptions<T, Kept>
  #resourceVersion: string | undefined
  #failures = 0
  /** It follows no more: refused for good. */
  #isOver = false
  /** Of the request that is under way. */
  #request = new AbortController()

  constructor(
    client: Pick<KubernetesClient, 'each' | 'watch'>,
    type: ResourceType,
    options: InformerOptions<T, Kept>,
  ) {
    this.#client = client
    this.#type = type
    this.#options = options
  }

  /**
   * Follows the collection until the signal aborts.
   * @throws {EmrError} what neither passes nor is outlasted
   */
  async run(): Promise<void> {
    const { signal, outlasts } = this.#options
    while (!signal.aborted) {
      const request = new AbortController()
      this.#request = request
      try {
        if (this.#resourceVersion === undefined) await this.#relist()
        await this.#follow()
      } catch (error) {
        if (signal.aborted) return
        if (request.signal.aborted) continue
        const isGone = isApiError(error, 410)
        if (!isGone && !isTransient(error) && !outlasts?.(error)) {
          this.#isOver = true
          throw error
        }
        if (isGone) this.#resourceVersion = undefined
        await this.#backOff(error as Error)
      }
    }
  }

  /**
   * Lists the collection anew, whatever is under way: what the server sent so far may be old.
   * @param why told as a loss until the new list is there
   */
  relist(why: Error): void {
    if (this.#isOver) return
    this.#resourceVersion = undefined
    this.#failures += 1
    this.#options.onConnection?.(why)
    this.#request.abort()
  }

  async #relist(): Promise<void> {
    const { project, onChange } = this.#options
    const signal = this.#signal()
    const where = selection(this.#options)
    const items = new Map<string, Kept>()
    let token: string | undefined
    do {
      const query = { ...where, limit: PAGE_SIZE, continue: token, signal }
      const page = await this.#client.each<T>(this.#type, query, (object) => {
        items.set(uidOf(object), project(object))
      })
      signal.throwIfAborted()
      token = page.metadata.continue || undefined
      this.#resourceVersion = page.metadata.resourceVersion
    } while (token !== undefined)
    this.items = items
    this.#connected()
    onChange({ type: 'replaced' })
  }

  async #follow(): Promise<void> {
    const { project, onChange, onConnection, ...query } = this.#options
    const signal = this.#signal()
    const events = this.#client.watch<T>(this.#type, {
      ...selection(query),
      resourceVersion: this.#resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds: WATCH_SECONDS,
      signal,
      // Where nothing changes any more, no event would ever tell that the server is back.
      onOpen: () => this.#connected(),
    })
    for await (const { type, object } of events) {
      signal.throwIfAborted()
      if (type === 'ERROR') {
        // In a watch, 410 Gone arrives as an event; the answer to every watch error is to list again.
        this.#resourceVersion = undefined
        const status = object as ApiStatus
        const request = `watch of ${this.#type.plural}`
        await this.#backOff(new KubernetesApiError(status.code ?? 500, status, { request }))
        return
      }
      this.#resourceVersion = object.metadata?.resourceVersion ?? this.#resourceVersion
      if (type === 'BOOKMARK') continue
      const uid = uidOf(object)
      if (type === 'DELETED') this.items.delete(uid)
      else this.items.set(uid, project(object))
      onChange({ type: type === 'DELETED' ? 'deleted' : 'changed', uid, kept: this.items.get(uid) })
    }
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#options.signal, this.#request.signal])
  }

  #connected(): void {
    if (this.#failures > 0) this.#options.onConnection?.(undefined)
    this.#failures = 0
  }

  async #backOff(error: Error): Promise<void> {
    this.#failures += 1
    this.#options.onConnection?.(error)
    const ceiling = Math.min(MAX_BACKOFF_MS, 100 * 2 ** this.#failures)
    const { signal } = this.#options
    await delay(ceiling * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
  }
}

function selection({ namespace, labelSelector, fieldSelector }: ListOptions): ListOptions {
  return { namespace, labelSelector, fieldSelector }
}

function uidOf(object: KubernetesObject): string {
  return object.metadata?.uid ?? `${object.metadata?.namespace}/${object.metadata?.name}`
}
