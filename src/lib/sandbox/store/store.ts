import type { ApiObject } from '../json.ts'
import { Entry } from './entry.ts'
import { Journal, type JournalLine } from './journal.ts'

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  revision: number
  /** The object after the change; of a deleted one, its last state under the revision of the deletion. */
  entry: Entry
  /** The object before the change, by which watchers with selectors tell what left their selection. */
  previous?: Entry
}

type Listener = (change: Change) => void

/** Changes kept for watchers that come back; older resource versions are answered with 410 Gone. */
const HISTORY = 5_000
/** Dead journal lines that are tolerated beside the live ones before it is compacted. */
const SLACK = 10_000

/** etcd, as far as an API server sees it: collections of objects under one growing revision, with history. */
export class Store {
  readonly #collections = new Map<string, Map<string, Map<string, Entry>>>()
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #journal: Journal
  #history: { collection: string; change: Change }[] = []
  #revision = 0
  #oldest = 0
  #size = 0

  /** @param file the journal; made when missing */
  constructor(file: string) {
    this.#journal = Journal.open(file, (line) => this.#replay(line))
    this.#oldest = this.#revision
    if (this.#journal.damaged > 0) this.#compact()
  }

  /** The resource version of the newest change. */
  get revision(): number {
    return this.#revision
  }

  /** The oldest resource version from which a watch can continue. */
  get oldest(): number {
    return this.#oldest
  }

  get(collection: string, namespace: string, name: string): Entry | undefined {
    return this.#collections.get(collection)?.get(namespace)?.get(name)
  }

  /** Sorted by namespace and name, as etcd's keys are. Without a namespace, of all. */
  list(collection: string, namespace?: string): Entry[] {
    const namespaces = this.#collections.get(collection)
    if (!namespaces) return []
    const names = namespace === undefined ? [...namespaces.keys()].sort() : [namespace]
    return names.flatMap((name) => {
      const entries = [...(namespaces.get(name)?.values() ?? [])]
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    })
  }

  /** Stores the object under a new resource version, which is written into it. */
  put(collection: string, object: ApiObject): Entry {
    const previous = this.#find(collection, object)
    this.#revision += 1
    object.metadata.resourceVersion = String(this.#revision)
    const entry = new Entry(object, this.#revision)
    this.#journal.put(collection, entry.json)
    this.#place(collection, entry)
    this.#publish(collection, {
      type: previous ? 'MODIFIED' : 'ADDED',
      revision: entry.revision,
      entry,
      ...(previous ? { previous } : {}),
    })
    return entry
  }

  /** Removes the object; its last state is published under a new resource version. */
  delete(collection: string, object: ApiObject): Entry {
    const previous = this.#find(collection, object)
    this.#revision += 1
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#revision) } }
    const entry = new Entry(last, this.#revision)
    this.#journal.delete(collection, keyOf(object), this.#revision)
    this.#remove(collection, object.metadata.namespace ?? '', object.metadata.name ?? '')
    this.#publish(collection, {
      type: 'DELETED',
      revision: entry.revision,
      entry,
      ...(previous ? { previous } : {}),
    })
    return entry
  }

  /** The changes of a collection after a resource version, oldest first; undefined when some are forgotten. */
  since(collection: string, revision: number): Change[] | undefined {
    if (revision < this.#oldest) return undefined
    return this.#history
      .filter(({ collection: of, change }) => of === collection && change.revision > revision)
      .map(({ change }) => change)
  }

  /** Calls the listener after each change of a collection. @returns the function that ends it */
  subscribe(collection: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(collection) ?? new Set()
    this.#listeners.set(collection, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  close(): void {
    this.#compact()
    this.#journal.close()
  }

  #find(collection: string, { metadata }: ApiObject): Entry | undefined {
    return this.get(collection, metadata.namespace ?? '', metadata.name ?? '')
  }

  #place(collection: string, entry: Entry): void {
    const { namespace, name } = entry
    const namespaces = this.#collections.get(collection) ?? new Map<string, Map<string, Entry>>()
    this.#collections.set(collection, namespaces)
    const names = namespaces.get(namespace) ?? new Map<string, Entry>()
    namespaces.set(namespace, names)
    if (!names.has(name)) this.#size += 1
    names.set(name, entry)
  }

  #remove(collection: string, namespace: string, name: string): void {
    const names = this.#collections.get(collection)?.get(namespace)
    if (names?.delete(name)) this.#size -= 1
    if (names?.size === 0) this.#collections.get(collection)?.delete(namespace)
  }

  #publish(collection: string, change: Change): void {
    this.#history.push({ collection, change })
    if (this.#history.length > HISTORY * 1.2) {
      const forgotten = this.#history.length - HISTORY
      this.#oldest = this.#history[forgotten - 1]?.change.revision ?? this.#oldest
      this.#history = this.#history.slice(forgotten)
    }
    if (this.#journal.lines > this.#size * 2 + SLACK) this.#compact()
    for (const listener of this.#listeners.get(collection) ?? []) listener(change)
  }

  #compact(): void {
    this.#journal.compact(this.#revision, this.#alive())
  }

  *#alive(): Generator<{ collection: string; json: string }> {
    for (const [collection, namespaces] of this.#collections) {
      for (const names of namespaces.values()) {
        for (const { json } of names.values()) yield { collection, json }
      }
    }
  }

  #replay(line: JournalLine): void {
    if ('object' in line) {
      const object = line.object as ApiObject
      const revision = Number(object.metadata.resourceVersion)
      this.#place(line.collection, new Entry(object, revision))
      this.#revision = Math.max(this.#revision, revision)
      return
    }
    if ('deleted' in line) {
      const slash = line.deleted.indexOf('/')
      this.#remove(line.collection, line.deleted.slice(0, slash), line.deleted.slice(slash + 1))
    }
    this.#revision = Math.max(this.#revision, line.revision)
  }
}

function keyOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`
}
