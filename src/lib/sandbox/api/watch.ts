import type { ServerResponse } from 'node:http'
import type { Entry } from '../store/entry.ts'
import type { Change } from '../store/store.ts'
import { formOf, present, table, versionOf } from './present.ts'
import { selectionOf } from './read.ts'
import { type Answer, type Api, isTrue, type ResourceRequest } from './request.ts'
import { collectionOf } from './resources.ts'
import { refuse } from './status.ts'

type EventType = Change['type'] | 'BOOKMARK' | 'ERROR'

/** As the API server: a bookmark about once a minute, and the end of a watch after half an hour or more. */
const BOOKMARK_MS = 60_000
const DEFAULT_TIMEOUT_SECONDS = 1800
/** A watcher that reads too slowly is cut off rather than kept in memory; it comes back with its last revision. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024

/** Lines that are the same for every plain watcher, made once per change. */
const plainLines = new WeakMap<Change, string>()

/** @throws {StatusError} 410 when the asked resource version is forgotten (as an event once streaming) */
export function watch(api: Api, request: ResourceRequest): Answer {
  const { store } = api
  const { type, query } = request
  const collection = collectionOf(type)
  const initial = isTrue(query.get('sendInitialEvents'))
  const requested = Number(query.get('resourceVersion') || 0)
  const selected = selectionOf(request)
  const backlog = initial || requested === 0 ? undefined : store.since(collection, requested)
  if (!initial && requested > 0 && backlog === undefined) {
    const error = refuse.expired(requested, store.oldest)
    return { stream: (response) => end(response, 'ERROR', error.toStatus()) }
  }
  return {
    stream: (response) => {
      const watcher = new Watcher(api, request, response, selected)
      const namespace = request.namespace === '' ? undefined : request.namespace
      if (backlog) for (const change of backlog) watcher.send(change)
      else for (const entry of store.list(collection, namespace)) watcher.sendExisting(entry)
      if (initial) watcher.bookmark({ 'k8s.io/initial-events-end': 'true' })
      watcher.follow()
    },
  }
}

function end(response: ServerResponse, type: EventType, object: object): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify({ type, object })}\n`)
}

class Watcher {
  readonly #api: Api
  readonly #request: ResourceRequest
  readonly #response: ServerResponse
  readonly #selected: (entry: Entry) => boolean
  readonly #form: ReturnType<typeof formOf>
  #columnsSent = false

  constructor(
    api: Api,
    request: ResourceRequest,
    response: ServerResponse,
    selected: (entry: Entry) => boolean,
  ) {
    this.#api = api
    this.#request = request
    this.#response = response
    this.#selected = selected
    this.#form = formOf(request.headers.accept)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
  }

  sendExisting(entry: Entry): void {
    if (this.#selected(entry)) this.#write('ADDED', entry)
  }

  /** An object that leaves the selection is deleted for this watcher, one that enters it is added. */
  send(change: Change): void {
    const now = change.type !== 'DELETED' && this.#selected(change.entry)
    const before = change.previous !== undefined && this.#selected(change.previous)
    if (!now && !before) return
    const type = now ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED'
    if (type === change.type && this.#form === 'object') this.#response.write(plainLine(change))
    else this.#write(type, change.entry)
    if (this.#response.writableLength > MAX_BACKLOG_BYTES) this.#response.destroy()
  }

  bookmark(annotations?: Record<string, string>): void {
    const { type } = this.#request
    const metadata = {
      resourceVersion: String(this.#api.store.revision),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    }
    const object = { kind: type.kind, apiVersion: versionOf(type), metadata }
    this.#line('BOOKMARK', JSON.stringify(object))
  }

  /** Sends what happens from now on until the client leaves or its time is up. */
  follow(): void {
    const { query, type } = this.#request
    const unsubscribe = this.#api.store.subscribe(collectionOf(type), (change) => this.send(change))
    const bookmarks = isTrue(query.get('allowWatchBookmarks'))
    const timer = bookmarks ? setInterval(() => this.bookmark(), BOOKMARK_MS) : undefined
    const seconds = Number(query.get('timeoutSeconds')) || DEFAULT_TIMEOUT_SECONDS * (1 + Math.random())
    const timeout = setTimeout(() => {
      if (bookmarks) this.bookmark()
      this.#response.end()
    }, seconds * 1000)
    this.#response.on('close', () => {
      unsubscribe()
      clearInterval(timer)
      clearTimeout(timeout)
    })
  }

  #write(type: EventType, entry: Entry): void {
    if (this.#form !== 'Table') {
      this.#line(type, present(entry, this.#request))
      return
    }
    const metadata = { resourceVersion: String(entry.revision) }
    this.#line(type, table([entry], metadata, this.#request, !this.#columnsSent))
    this.#columnsSent = true
  }

  #line(type: EventType, json: string): void {
    this.#response.write(`{"type":"${type}","object":${json}}\n`)
  }
}

function plainLine(change: Change): string {
  const known = plainLines.get(change)
  if (known !== undefined) return known
  const line = `{"type":"${change.type}","object":${change.entry.json}}\n`
  plainLines.set(change, line)
  return line
}
