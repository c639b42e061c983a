import type { Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesClient } from '../../adapters/kubernetes/client.ts'
import type { KubernetesObject } from '../../adapters/kubernetes/types.ts'
import { microTimestamp, timestamp } from '../json.ts'
import { Limit } from './limit.ts'
import { types } from './types.ts'

export interface EventDraft {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
  /** Which part of the object, for example `spec.containers{app}`. */
  fieldPath?: string
}

export interface EventSource {
  component: string
  host?: string
}

/** Repetitions are counted in the event that is there, for as long as this many others have not come between. */
const REMEMBERED = 4_096
const PARALLEL = 4

/** Writes events as client-go's recorder does: a repetition raises the count of the event that is there. */
export class EventRecorder {
  readonly #client: KubernetesClient
  readonly #known = new Map<string, Promise<Event>>()
  readonly #limit = new Limit(PARALLEL)

  constructor(client: KubernetesClient) {
    this.#client = client
  }

  record(object: KubernetesObject, source: EventSource, draft: EventDraft): void {
    const key = JSON.stringify([object.metadata?.uid, source, draft])
    const known = this.#known.get(key)
    this.#known.delete(key)
    const write = () => (known ? this.#repeat(known) : this.#create(object, source, draft))
    const written = this.#limit.run(write).catch((error) => {
      this.#known.delete(key)
      throw error
    })
    this.#known.set(key, written)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break
      this.#known.delete(oldest)
    }
    // An event that cannot be written (its namespace is going, the server is stopping) is not worth a failure.
    written.catch(() => undefined)
  }

  async #repeat(known: Promise<Event>): Promise<Event> {
    const event = await known
    const { name = '', namespace = '' } = event.metadata
    const patch = event.eventTime
      ? { series: { count: (event.series?.count ?? 1) + 1, lastObservedTime: microTimestamp() } }
      : { count: (event.count ?? 1) + 1, lastTimestamp: timestamp() }
    return this.#client.patch<Event>(types.events, name, patch, {
      type: 'application/merge-patch+json',
      namespace,
    })
  }

  #create(object: KubernetesObject, source: EventSource, draft: EventDraft): Promise<Event> {
    const { name = '', namespace = 'default', uid, resourceVersion } = object.metadata ?? {}
    const { fieldPath, ...rest } = draft
    const event: Event = {
      metadata: { name: `${name}.${eventSuffix()}`, namespace },
      involvedObject: {
        kind: object.kind,
        apiVersion: object.apiVersion,
        namespace: object.metadata?.namespace,
        name,
        uid,
        resourceVersion,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      ...rest,
      ...timesOf(source, rest.reason),
    }
    return this.#client.create<Event>(types.events, event, { namespace })
  }
}

/** The scheduler writes through events.k8s.io, which leaves count, source and the old timestamps empty. */
function timesOf(source: EventSource, reason: string): Partial<Event> {
  if (source.component === 'default-scheduler') {
    return {
      eventTime: microTimestamp(),
      reportingComponent: source.component,
      reportingInstance: 'default-scheduler-sandbox',
      action: reason === 'Scheduled' ? 'Binding' : 'Scheduling',
      source: {},
    }
  }
  const now = timestamp()
  return {
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    source,
    reportingComponent: source.component,
    reportingInstance: source.host ?? '',
  }
}

let lastSuffix = 0n

/** The moment in nanoseconds, as client-go names events: those of one object sort by their time. */
function eventSuffix(): string {
  const now = BigInt(Date.now()) * 1_000_000n
  lastSuffix = now > lastSuffix ? now : lastSuffix + 1n
  return lastSuffix.toString(16)
}
