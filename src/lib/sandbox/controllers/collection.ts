import type { KubernetesClient } from '../../adapters/kubernetes/client.ts'
import { Informer } from '../../adapters/kubernetes/informer.ts'
import type { KubernetesObject, ResourceType } from '../../adapters/kubernetes/types.ts'

/** @param object after the change; of a deleted one its last state */
type Listener<T> = (object: T, isDeleted: boolean) => void

/**
 * One kind's objects as a controller sees them. What a controller has just written is in it at once, so that it never
 * acts twice on what the watch has not told it yet.
 */
export class Collection<T extends KubernetesObject> {
  readonly #byUid = new Map<string, T>()
  readonly #byName = new Map<string, T>()
  readonly #byOwner = new Map<string, Map<string, T>>()
  readonly #byNamespace = new Map<string, Map<string, T>>()
  readonly #gone = new Set<string>()
  readonly #listeners: Listener<T>[] = []
  /** Settles when the first list has been read. */
  readonly ready: Promise<void>

  constructor(
    client: KubernetesClient,
    type: ResourceType,
    signal: AbortSignal,
    onFailure: (error: unknown) => void,
  ) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ready = promise
    const informer: Informer<T> = new Informer<T>(client, type, {
      signal,
      project: withoutManagedFields,
      onChange: ({ type: change, uid = '', kept }) => {
        if (change === 'changed' && kept) this.observe(kept)
        else if (change === 'deleted') this.#remove(uid)
        else if (change === 'replaced') {
          this.#replace(informer.items)
          resolve()
        }
      },
    })
    informer.run().catch((error) => {
      if (!signal.aborted) onFailure(error)
    })
  }

  get(namespace: string, name: string): T | undefined {
    return this.#byName.get(`${namespace}/${name}`)
  }

  byUid(uid: string): T | undefined {
    return this.#byUid.get(uid)
  }

  list(namespace?: string): T[] {
    if (namespace === undefined) return [...this.#byUid.values()]
    return [...(this.#byNamespace.get(namespace)?.values() ?? [])]
  }

  /** The objects that name this uid among their owners. */
  ownedBy(uid: string): T[] {
    return [...(this.#byOwner.get(uid)?.values() ?? [])]
  }

  onChange(listener: Listener<T>): void {
    this.#listeners.push(listener)
  }

  /** Takes in an object from the watch or from the answer to a write, unless a newer state is known. */
  observe(written: T): void {
    const object = withoutManagedFields(written)
    const uid = object.metadata?.uid ?? ''
    const known = this.#byUid.get(uid)
    if (this.#gone.has(uid) || (known && revisionOf(known) >= revisionOf(object))) return
    if (known) this.#unlink(uid, known)
    this.#byUid.set(uid, object)
    this.#byName.set(nameOf(object), object)
    index(this.#byNamespace, object.metadata?.namespace ?? '', uid, object)
    for (const owner of object.metadata?.ownerReferences ?? []) index(this.#byOwner, owner.uid, uid, object)
    this.#tell(object, false)
  }

  /** Leaves out an object that was just deleted, whatever the watch still says of its past. */
  forget(uid: string): void {
    this.#gone.add(uid)
    const known = this.#byUid.get(uid)
    if (!known) return
    this.#unlink(uid, known)
    this.#tell(known, true)
  }

  #remove(uid: string): void {
    this.forget(uid)
    this.#gone.delete(uid)
  }

  #replace(items: Map<string, T>): void {
    this.#gone.clear()
    for (const uid of this.#byUid.keys()) if (!items.has(uid)) this.#remove(uid)
    for (const object of items.values()) this.observe(object)
  }

  #unlink(uid: string, object: T): void {
    this.#byUid.delete(uid)
    if (this.#byName.get(nameOf(object)) === object) this.#byName.delete(nameOf(object))
    this.#byNamespace.get(object.metadata?.namespace ?? '')?.delete(uid)
    for (const owner of object.metadata?.ownerReferences ?? []) {
      const owned = this.#byOwner.get(owner.uid)
      owned?.delete(uid)
      if (owned?.size === 0) this.#byOwner.delete(owner.uid)
    }
  }

  #tell(object: T, isDeleted: boolean): void {
    for (const listener of this.#listeners) listener(object, isDeleted)
  }
}

function index<T>(map: Map<string, Map<string, T>>, key: string, uid: string, object: T): void {
  const objects = map.get(key) ?? new Map<string, T>()
  map.set(key, objects.set(uid, object))
}

function nameOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
}

function revisionOf({ metadata }: KubernetesObject): number {
  return Number(metadata?.resourceVersion ?? 0)
}

/** No controller reads them, and they are the half of an object. An update without them leaves them as they are. */
function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata) delete object.metadata.managedFields
  return object
}
