import { isApiError } from '../../adapters/kubernetes/api-error.ts'
import type { KubernetesClient } from '../../adapters/kubernetes/client.ts'
import type { KubernetesObject, ResourceType } from '../../adapters/kubernetes/types.ts'
import type { Clock } from '../clock.ts'
import { equal } from '../json.ts'
import type { SandboxSettings } from '../settings.ts'
import { Collection } from './collection.ts'
import { EventRecorder } from './event-recorder.ts'
import { type Reconcile, WorkQueue } from './queue.ts'

export interface DeleteOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  gracePeriodSeconds?: number
}

/** What all controllers share: one local copy of each kind, one recorder, and writes that both keep up to date. */
export class Cluster {
  readonly client: KubernetesClient
  readonly clock: Clock
  readonly settings: SandboxSettings
  readonly signal: AbortSignal
  readonly events: EventRecorder
  readonly #collections = new Map<string, Collection<KubernetesObject>>()
  readonly #queues: WorkQueue[] = []

  constructor(client: KubernetesClient, clock: Clock, settings: SandboxSettings, signal: AbortSignal) {
    this.client = client
    this.clock = clock
    this.settings = settings
    this.signal = signal
    this.events = new EventRecorder(client)
  }

  /** The local copy of a kind; followed from the first call on. */
  collection<T extends KubernetesObject>(type: ResourceType): Collection<T> {
    const key = `${type.plural}.${type.group}`
    const known = this.#collections.get(key)
    if (known) return known as unknown as Collection<T>
    const made = new Collection<T>(this.client, type, this.signal, (error) => console.error(key, error))
    this.#collections.set(key, made as unknown as Collection<KubernetesObject>)
    return made
  }

  /** A queue that is worked on once every collection asked for has been read: nobody acts on half a picture. */
  queue(reconcile: Reconcile): WorkQueue {
    const queue = new WorkQueue(this.signal, reconcile)
    this.#queues.push(queue)
    return queue
  }

  async start(): Promise<void> {
    await Promise.all([...this.#collections.values()].map(({ ready }) => ready))
    for (const queue of this.#queues) queue.start()
  }

  async create<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    namespace: string,
    fieldManager: string,
  ): Promise<T> {
    const made = await this.client.create<T>(type, object, { namespace, fieldManager, signal: this.signal })
    this.collection<T>(type).observe(made)
    return made
  }

  /** A merge patch. */
  async patch<T extends KubernetesObject>(
    type: ResourceType,
    object: KubernetesObject,
    patch: unknown,
    options: { fieldManager: string; subresource?: string },
  ): Promise<T> {
    const { name = '', namespace } = object.metadata ?? {}
    const patched = await this.client.patch<T>(type, name, patch, {
      type: 'application/merge-patch+json',
      namespace,
      signal: this.signal,
      ...options,
    })
    this.collection<T>(type).observe(patched)
    return patched
  }

  /** Replaces the status where it differs; costs no request where it does not. */
  async setStatus<T extends KubernetesObject & { status?: unknown }>(
    type: ResourceType,
    object: T,
    status: unknown,
    fieldManager: string,
  ): Promise<T> {
    if (equal(object.status, withoutUndefined(status))) return object
    const next = { ...object, status }
    const replaced = await this.client.replace<T>(type, next, {
      subresource: 'status',
      fieldManager,
      signal: this.signal,
    })
    this.collection<T>(type).observe(replaced)
    return replaced
  }

  /** Deletes this very object; one that is gone already is fine. */
  async delete(type: ResourceType, object: KubernetesObject, options: DeleteOptions = {}): Promise<void> {
    const { name = '', namespace, uid = '' } = object.metadata ?? {}
    try {
      const left = (await this.client.delete(type, name, {
        namespace,
        preconditions: { uid },
        signal: this.signal,
        ...options,
      })) as KubernetesObject
      if (left.metadata?.uid === uid) this.collection(type).observe(left)
      else this.collection(type).forget(uid)
    } catch (error) {
      if (!isApiError(error, 404) && !isApiError(error, 409)) throw error
    }
  }
}

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
