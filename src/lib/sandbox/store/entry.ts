import type { ApiObject } from '../json.ts'

/**
 * One stored object. It is kept as text, which is what the journal, lists and watchers want and takes a quarter of
 * the memory; the object itself is parsed when somebody asks for it, and kept for as long as memory allows.
 */
export class Entry {
  readonly json: string
  /** The resource version. */
  readonly revision: number
  readonly namespace: string
  readonly name: string
  readonly labels: Record<string, string>
  #object: WeakRef<ApiObject>

  constructor(object: ApiObject, revision: number, json = JSON.stringify(object)) {
    const { namespace = '', name = '', labels = {} } = object.metadata
    this.json = json
    this.revision = revision
    this.namespace = namespace
    this.name = name
    this.labels = labels
    this.#object = new WeakRef(object)
  }

  /** Shared by all readers: copy before changing. */
  get object(): ApiObject {
    const known = this.#object.deref()
    if (known) return known
    const object = JSON.parse(this.json) as ApiObject
    this.#object = new WeakRef(object)
    return object
  }
}
