import type { Entry } from '../store/entry.ts'
import { present, presentList } from './present.ts'
import type { Answer, Api, ResourceRequest } from './request.ts'
import { collectionOf } from './resources.ts'
import { parseFieldSelector, parseLabelSelector } from './selectors.ts'
import { refuse } from './status.ts'

/** @throws {StatusError} 404 */
export function find({ store }: Api, request: ResourceRequest): Entry {
  const { type, namespace, name = '' } = request
  const entry = store.get(collectionOf(type), namespace, name)
  if (!entry) throw refuse.notFound(type, name)
  return entry
}

export function get(api: Api, request: ResourceRequest): Answer {
  return { json: present(find(api, request), request) }
}

/** Whether an entry is in the selection of a list or watch. */
export function selectionOf(request: ResourceRequest): (entry: Entry) => boolean {
  const labels = request.query.get('labelSelector')
  const fields = request.query.get('fieldSelector')
  const byLabels = labels ? parseLabelSelector(labels) : undefined
  const byFields = fields ? parseFieldSelector(fields, request.type) : undefined
  const { namespace, name } = request
  return (entry) =>
    (namespace === '' || entry.namespace === namespace) &&
    (name === undefined || entry.name === name) &&
    (byLabels?.(entry.labels) ?? true) &&
    (byFields?.(entry.object) ?? true)
}

interface Continue {
  /** The revision of the first page: a watch from there repeats what changed while the pages were read. */
  revision: number
  /** The last key of the page before. */
  after: string
}

/** A collection, or one page of it. Pages are read from the live state, under the revision of the first page. */
export function list(api: Api, request: ResourceRequest): Answer {
  const { store } = api
  const { type, namespace, query } = request
  const selected = selectionOf(request)
  const token = readContinue(query.get('continue'), store.oldest)
  const all = store.list(collectionOf(type), namespace === '' ? undefined : namespace)
  const rest = all.filter((entry) => (token === undefined || keyOf(entry) > token.after) && selected(entry))
  const limit = Number(query.get('limit') ?? 0)
  const page = limit > 0 ? rest.slice(0, limit) : rest
  const revision = token?.revision ?? store.revision
  const last = page.at(-1)
  const metadata: Record<string, unknown> = { resourceVersion: String(revision) }
  if (last && page.length < rest.length) {
    metadata.continue = writeContinue({ revision, after: keyOf(last) })
    // The server counts the remainder only where it need not read it.
    if (!query.get('labelSelector') && !query.get('fieldSelector'))
      metadata.remainingItemCount = rest.length - page.length
  }
  return { json: presentList(page, metadata, request) }
}

function keyOf({ namespace, name }: Entry): string {
  return `${namespace}\u0000${name}`
}

function writeContinue(token: Continue): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

function readContinue(text: string | null, oldest: number): Continue | undefined {
  if (!text) return undefined
  let token: Continue
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Continue
  } catch {
    throw refuse.badRequest('continue key is not valid: illegal base64 data')
  }
  if (token.revision < oldest) {
    throw refuse.expired(token.revision, oldest)
  }
  return token
}
