import { SILENT_MS } from '../../domain/outage.ts'
import { messageOf } from '../../errors.ts'
import { isApiError, KubernetesConnectionError } from './api-error.ts'
import { type KubernetesClient, METADATA_ONLY } from './client.ts'
import { resourcePath } from './resources.ts'
import type { ResourceType } from './types.ts'

const BEAT_MS = 2_000
const CHECK_MS = 250
/** Requests of a server that hangs are not piled up. */
const MOST_OPEN = 3

export interface ContactOptions {
  namespace: string
  /** Kinds that are watched; the first that the identity may list is asked for. */
  types: readonly ResourceType[]
  signal: AbortSignal
  /** The server has been silent for SILENT_MS. Its watches stand all the same: a connection that hangs tells nothing. */
  onSilence: (why: Error) => void
  /** It answers again. What it sent before is old: list anew. */
  onReturn: (why: Error) => void
}

/**
 * The sign of life beneath watches. A watch in which nothing happens and one whose connection hangs look the same, so
 * one object is listed every two seconds: a read that passes through the storage, since discovery and refusals are
 * answered by a server whose storage is away.
 */
export class Contact {
  /** When the storage last answered, epoch milliseconds; 0 before it ever did. */
  lastContact = 0
  readonly #client: Pick<KubernetesClient, 'json' | 'access'>
  readonly #options: ContactOptions
  readonly #startedAt = Date.now()
  #types: readonly ResourceType[]
  #open = 0
  #error: Error | undefined
  #isSilent = false

  constructor(client: Pick<KubernetesClient, 'json' | 'access'>, options: ContactOptions) {
    this.#client = client
    this.#options = options
    this.#types = options.types
    const beats = setInterval(() => void this.#beat(), BEAT_MS)
    const checks = setInterval(() => this.#check(), CHECK_MS)
    options.signal.addEventListener('abort', () => {
      clearInterval(beats)
      clearInterval(checks)
    })
    void this.#beat()
  }

  /** Why nothing that is known of the cluster counts now; undefined while the server answers. */
  get silence(): Error | undefined {
    const age = Date.now() - (this.lastContact || this.#startedAt)
    if (age <= SILENT_MS) return undefined
    return (
      this.#error ??
      new KubernetesConnectionError(
        this.#client.access.server,
        new Error(`silent for ${Math.floor(age / 1000)} s`),
      )
    )
  }

  /** The storage has answered a request: to a beat, or to any other list. */
  heard(): void {
    const { silence } = this
    this.lastContact = Date.now()
    this.#error = undefined
    this.#isSilent = false
    if (silence) this.#options.onReturn(silence)
  }

  #check(): void {
    const { silence } = this
    if (silence === undefined || this.#isSilent) return
    this.#isSilent = true
    this.#options.onSilence(silence)
  }

  async #beat(): Promise<void> {
    const { signal, namespace } = this.#options
    const [type] = this.#types
    if (type === undefined || signal.aborted || this.#open >= MOST_OPEN) return
    this.#open += 1
    try {
      await this.#client.json('GET', resourcePath(type, { namespace }), {
        ...{ query: { limit: 1 }, accept: METADATA_ONLY, signal },
        ...{ attempts: 1, timeoutMs: SILENT_MS },
      })
      if (!signal.aborted) this.heard()
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(messageOf(error))
      // A refusal says nothing of the storage, and this identity may not ask for that kind.
      if (isApiError(error, 403) || isApiError(error, 404)) this.#types = this.#types.slice(1)
    } finally {
      this.#open -= 1
    }
  }
}
