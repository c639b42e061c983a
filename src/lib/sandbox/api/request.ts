import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { SandboxSettings } from '../settings.ts'
import type { Store } from '../store/store.ts'
import type { Registry } from './registry.ts'
import type { ServedType } from './resources.ts'

/** What every handler works on. */
export interface Api {
  store: Store
  registry: Registry
  settings: SandboxSettings
  /** Whether the administrator has denied this to outside clients; see faults.ts. */
  isDenied(verb: string, resource: string): boolean
  /** Whether anything is. */
  denies?: () => boolean
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

/** A request for a collection, an object or a subresource. */
export interface ResourceRequest {
  verb: Verb
  type: ServedType
  /** '' for cluster-scoped kinds, and for a list or watch over all namespaces. */
  namespace: string
  name?: string
  subresource?: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
}

/** An answer: a JSON document (an object, or text that is JSON already), or a stream that the handler writes. */
export type Answer =
  | { code?: number; json: string | object; warnings?: string[]; contentType?: string }
  | { code?: number; text: string | Buffer; contentType?: string; headers?: Record<string, string> }
  | { stream: (response: ServerResponse) => void }

const VERBS: Record<string, Verb> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

type Target = Pick<ResourceRequest, 'type' | 'namespace' | 'name' | 'subresource'>

/**
 * Reads `/api/v1/namespaces/x/pods/y/log` and its like.
 * @returns undefined for a path that names no served collection
 */
export function targetOf(path: string, registry: Registry): Target | undefined {
  const parts = path.split('/').slice(1).map(decodeURIComponent)
  const root = parts.shift()
  const group = root === 'apis' ? parts.shift() : root === 'api' ? '' : undefined
  const version = parts.shift()
  if (group === undefined || version === undefined || parts.length === 0) return undefined
  // `namespaces/x` alone is the namespace itself; so are its subresources.
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && !isNamespaceSubresource(parts)
  const namespace = inNamespace ? parts.splice(0, 2)[1] : ''
  const [plural = '', name, ...rest] = parts
  const type = registry.find(group, version, plural)
  if (!type || (inNamespace && !type.namespaced)) return undefined
  return {
    type,
    namespace: namespace ?? '',
    ...(name === undefined ? {} : { name }),
    ...(rest.length > 0 ? { subresource: rest.join('/') } : {}),
  }
}

function isNamespaceSubresource(parts: string[]): boolean {
  return parts.length === 3 && (parts[2] === 'status' || parts[2] === 'finalize')
}

/** The verb, as RBAC names it. */
export function verbOf(method: string, target: Target, query: URLSearchParams): Verb {
  const verb = VERBS[method]
  if (verb === 'delete' && target.name === undefined) return 'deletecollection'
  if (verb !== undefined) return verb
  if (isTrue(query.get('watch'))) return 'watch'
  return target.name === undefined ? 'list' : 'get'
}

export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1'
}
