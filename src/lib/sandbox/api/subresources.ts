import type { LabelSelector } from 'kubernetes-types/meta/v1.js'
import { type ApiObject, at, copy, isObject, type JsonObject, setAt } from '../json.ts'
import type { Entry } from '../store/entry.ts'
import { contentType, parseBody } from './body.ts'
import { readLog } from './logs.ts'
import { jsonPatch } from './patch/json-patch.ts'
import { mergePatch } from './patch/merge-patch.ts'
import { present } from './present.ts'
import { proxyToService } from './proxy.ts'
import { find, get } from './read.ts'
import type { Answer, Api, ResourceRequest } from './request.ts'
import { selectorText } from './selectors.ts'
import { refuse, StatusError } from './status.ts'
import { patch, update, updateObject } from './write.ts'

/** Requests for a part of an object. @throws {StatusError} 404 for one that the kind does not have */
export function subresource(api: Api, request: ResourceRequest): Answer {
  const { type, subresource: name = '' } = request
  if ((name === 'status' && type.status) || (name === 'finalize' && type.kind === 'Namespace')) {
    return wholeObject(api, request)
  }
  if (name === 'scale' && type.scale) return scale(api, request)
  if (type.kind === 'Service' && name.startsWith('proxy')) return proxyToService(api, request)
  if (type.kind !== 'Pod') throw refuse.noSuchPath()
  if (name === 'log') return readLog(api, request)
  if (name === 'binding') return bind(api, request)
  if (['exec', 'attach', 'portforward'].includes(name)) throw withoutProcesses(name)
  throw refuse.noSuchPath()
}

function wholeObject(api: Api, request: ResourceRequest): Answer {
  if (request.verb === 'get') return get(api, request)
  if (request.verb === 'update') return update(api, request)
  if (request.verb === 'patch') return patch(api, request)
  throw refuse.methodNotAllowed()
}

function withoutProcesses(name: string): StatusError {
  return new StatusError(
    501,
    'NotImplemented',
    `${name} is not available: this is the emr sandbox, whose pods run no processes`,
  )
}

/** autoscaling/v1 Scale: replicas alone, under the resource version of the whole object. */
function scale(api: Api, request: ResourceRequest): Answer {
  const current = find(api, request)
  const scaled = scaleOf(request, current.object)
  if (request.verb === 'get') return { json: scaled }
  const asked = request.verb === 'update' ? parseBody(request) : patchScale(request, scaled)
  if (!isObject(asked)) throw refuse.badRequest('the body is no Scale')
  const { scale: paths } = request.type
  const object = copy(current.object)
  object.metadata.resourceVersion = at(asked, 'metadata.resourceVersion') as string | undefined
  setAt(object, paths?.specReplicas ?? '', at(asked, 'spec.replicas') ?? 0)
  const entry = updateObject(api, request, current, object, [])
  return { json: scaleOf(request, entry.object) }
}

function patchScale(request: ResourceRequest, scaled: JsonObject): unknown {
  const body = parseBody(request)
  if (contentType(request) === 'application/json-patch+json') return jsonPatch(scaled, body)
  return mergePatch(scaled, body)
}

function scaleOf({ type }: ResourceRequest, object: ApiObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const paths = type.scale
  const selector = at(object, paths?.labelSelector ?? '') as LabelSelector | undefined
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: at(object, paths?.specReplicas ?? '') ?? 0 },
    status: { replicas: at(object, paths?.statusReplicas ?? '') ?? 0, selector: selectorText(selector) },
  }
}

/** POST pods/NAME/binding: how a scheduler gives a pod its node. */
function bind(api: Api, request: ResourceRequest): Answer {
  const current = find(api, request)
  const { spec, metadata } = current.object
  const node = (spec as JsonObject).nodeName
  if (node) {
    throw refuse.conflict(
      request.type,
      metadata.name ?? '',
      `pod ${metadata.name} is already assigned to node "${node}"`,
    )
  }
  const object = copy(current.object)
  setAt(object, 'spec.nodeName', at(parseBody(request), 'target.name'))
  const entry: Entry = updateObject(api, request, current, object, [])
  return { code: 201, json: present(entry, request) }
}
