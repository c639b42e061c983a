import { remove, removeCollection } from './delete.ts'
import {
  aggregatedDiscovery,
  group,
  groupList,
  openApi,
  openApiIndex,
  resourceList,
  wantsAggregated,
} from './discovery.ts'
import { metrics } from './metrics.ts'
import { get, list } from './read.ts'
import { type Answer, type Api, type ResourceRequest, targetOf, verbOf } from './request.ts'
import { collectionOf } from './resources.ts'
import { review } from './reviews.ts'
import { refuse } from './status.ts'
import { subresource } from './subresources.ts'
import { watch } from './watch.ts'
import { create, patch, update } from './write.ts'

type Incoming = Pick<ResourceRequest, 'headers' | 'body'> & { method: string; url: URL }

/** One request of the Kubernetes API. @throws {StatusError} every refusal */
export function handle(api: Api, incoming: Incoming, isInside: boolean): Answer {
  const path = incoming.url.pathname.replace(/(.)\/$/, '$1')
  const document = staticDocument(api, path, incoming.headers.accept)
  if (document) return document
  const target = targetOf(path, api.registry)
  if (!target) throw refuse.noSuchPath()
  const { headers, body, method } = incoming
  const query = incoming.url.searchParams
  const verb = verbOf(method, target, query)
  const request: ResourceRequest = { ...target, verb, query, headers, body }
  if (!isInside) refuseDenied(api, request)
  return dispatch(api, request)
}

function refuseDenied(api: Api, { verb, type, name = '', namespace }: ResourceRequest): void {
  if (!api.isDenied(verb, type.plural)) return
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const why = `User "emr-sandbox" cannot ${verb} resource "${type.plural}" in API group "${type.group}" ${where}`
  throw refuse.forbidden(type, name, why)
}

function dispatch(api: Api, request: ResourceRequest): Answer {
  const { type } = request
  if (type.group === 'metrics.k8s.io') return metrics(api, request)
  if (type.stored === false) return review(api, request)
  if (request.subresource !== undefined) return subresource(api, request)
  switch (request.verb) {
    case 'get':
      return get(api, request)
    case 'list':
      return list(api, request)
    case 'watch':
      return watch(api, request)
    case 'create':
      if (request.name !== undefined) throw refuse.methodNotAllowed()
      return create(api, request)
    case 'update':
      return update(api, request)
    case 'patch':
      return patch(api, request)
    case 'delete':
      return remove(api, request)
    case 'deletecollection':
      if (type.namespaced && request.namespace === '') throw refuse.methodNotAllowed()
      return removeCollection(api, request)
    default:
      throw refuse.forbidden(type, collectionOf(type), 'unknown verb')
  }
}

const OPENAPI_V2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
/**
 * kubectl reads OpenAPI v2, as protobuf, only to check a `kind: List` itself. In a document without definitions it
 * finds nothing to check, and leaves it to the server: `swagger: "2.0"`, an empty `info` and empty `paths`.
 */
const EMPTY_OPENAPI_V2 = Buffer.from([0x0a, 3, 0x32, 0x2e, 0x30, 0x12, 0, 0x42, 0])

/** Discovery, OpenAPI, version and health. */
function staticDocument({ registry, settings }: Api, path: string, accept?: string): Answer | undefined {
  if (['/healthz', '/livez', '/readyz'].includes(path)) return { text: 'ok', contentType: 'text/plain' }
  if (path === '/version') return { json: versionDocument(settings.kubernetesVersion) }
  if (path === '/openapi/v2') return { text: EMPTY_OPENAPI_V2, contentType: OPENAPI_V2_TYPE }
  if (path === '/openapi/v3') return { json: openApiIndex(registry) }
  if (path === '/api' || path === '/apis') {
    if (wantsAggregated(accept)) {
      return {
        json: aggregatedDiscovery(registry, path === '/api'),
        contentType: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      }
    }
    return { json: path === '/apis' ? groupList(registry) : { kind: 'APIVersions', versions: ['v1'] } }
  }
  const [root, ...rest] = path.slice(1).split('/')
  const document = openApiDocument(registry, path) ?? discoveryDocument(registry, root, rest)
  return document && { json: document }
}

function openApiDocument(registry: Api['registry'], path: string): object | undefined {
  const [, groupName, version] = /^\/openapi\/v3\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path) ?? []
  return version === undefined ? undefined : openApi(registry, groupName ?? '', version)
}

function discoveryDocument(
  registry: Api['registry'],
  root: string | undefined,
  rest: string[],
): object | undefined {
  const [first = '', second] = rest
  if (root === 'api' && rest.length === 1) return resourceList(registry, '', first)
  if (root !== 'apis') return undefined
  if (rest.length === 1) return group(registry, first)
  return rest.length === 2 ? resourceList(registry, first, second ?? '') : undefined
}

function versionDocument(version: string): object {
  const [major, minor] = version.split('.')
  return {
    major,
    minor,
    gitVersion: `v${version}-sandbox`,
    gitCommit: '0000000000000000000000000000000000000000',
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
    goVersion: 'go1.24',
    compiler: 'gc',
    platform: 'linux/amd64',
  }
}
