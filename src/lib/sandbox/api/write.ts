import { randomUUID } from 'node:crypto'
import { type ApiObject, copy, equal, isObject, type Metadata, timestamp } from '../json.ts'
import { Entry } from '../store/entry.ts'
import { admit } from './admission/admission.ts'
import { contentType, fieldValidationOf, parseBody, readObject, typed } from './body.ts'
import { allocate, applyDefaults } from './defaults/defaults.ts'
import { finishDeletion } from './delete.ts'
import { applyOwned, ownedAfterUpdate, type Writer } from './fields/ownership.ts'
import { randomSuffix } from './names.ts'
import { jsonPatch } from './patch/json-patch.ts'
import { mergePatch } from './patch/merge-patch.ts'
import { strategicMerge } from './patch/strategic-merge.ts'
import { present, versionOf } from './present.ts'
import { find } from './read.ts'
import { isCustom } from './registry.ts'
import { type Answer, type Api, isTrue, type ResourceRequest } from './request.ts'
import { collectionOf, type ServedType } from './resources.ts'
import { refuse } from './status.ts'
import { validateCreate, validateRequired, validateUpdate } from './validation/validation.ts'

/** Kinds whose specification is not counted in metadata.generation. */
const WITHOUT_GENERATION = new Set(['Pod', 'Service', 'Node', 'Namespace', 'HorizontalPodAutoscaler'])

/** @throws {StatusError} 400, 403, 404 (namespace), 409 or 422 */
export function create(api: Api, request: ResourceRequest): Answer {
  const warnings: string[] = []
  const object = readObject(api, request, warnings)
  const entry = createObject(api, request, object, warnings)
  return { code: 201, json: present(entry, request), warnings }
}

function createObject(api: Api, request: ResourceRequest, object: ApiObject, warnings: string[]): Entry {
  const { type } = request
  object.metadata = initialMetadata(request, object)
  if (type.status) delete object.status
  const { namespace = '', name = '' } = object.metadata
  if (api.store.get(collectionOf(type), namespace, name)) throw refuse.alreadyExists(type, name)
  if (hasGeneration(type, object)) object.metadata.generation = 1
  const schema = api.registry.schemaOf(type)
  validateRequired(type, object, schema)
  applyDefaults(object)
  object.metadata.managedFields ??= ownedAfterUpdate(undefined, object, schema, writerOf(request))
  allocate(object, undefined, api)
  admit(api, type, object, warnings)
  validateCreate(type, object)
  return store(api, request, object)
}

function initialMetadata({ type, namespace, name }: ResourceRequest, object: ApiObject): Metadata {
  const { resourceVersion, deletionTimestamp, deletionGracePeriodSeconds, selfLink, ...metadata } =
    object.metadata
  if (resourceVersion) throw refuse.badRequest('resourceVersion should not be set on objects to be created')
  if (type.namespaced && metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw refuse.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    )
  }
  const generated = metadata.generateName && `${metadata.generateName}${randomSuffix()}`
  return {
    ...metadata,
    name: metadata.name || name || generated || '',
    ...(type.namespaced ? { namespace } : {}),
    uid: randomUUID(),
    creationTimestamp: timestamp(),
  }
}

/** PUT. @throws {StatusError} 404, 409, 422 */
export function update(api: Api, request: ResourceRequest): Answer {
  const warnings: string[] = []
  const object = readObject(api, request, warnings)
  const entry = updateObject(api, request, find(api, request), object, warnings)
  return { json: present(entry, request), warnings }
}

/** PATCH in each of its four forms. @throws {StatusError} 400, 404, 409, 415, 422 */
export function patch(api: Api, request: ResourceRequest): Answer {
  const warnings: string[] = []
  if (contentType(request) === 'application/apply-patch+yaml') return apply(api, request, warnings)
  const current = find(api, request)
  const patched = patchedData(api, request, current.object)
  if (!isObject(patched)) throw refuse.badRequest('the patch leaves no object')
  const object = typed(api, request.type, patched, fieldValidationOf(request), warnings)
  const entry = updateObject(api, request, current, object, warnings)
  return { json: present(entry, request), warnings }
}

function patchedData(api: Api, request: ResourceRequest, current: ApiObject): unknown {
  const body = parseBody(request)
  switch (contentType(request)) {
    case 'application/json-patch+json':
      return jsonPatch(current, body)
    case 'application/merge-patch+json':
      return mergePatch(current, body)
    case 'application/strategic-merge-patch+json':
      if (!isCustom(request.type)) return strategicMerge(current, body, api.registry.schemaOf(request.type))
  }
  throw refuse.unsupportedMediaType(contentType(request))
}

function apply(api: Api, request: ResourceRequest, warnings: string[]): Answer {
  const { type, query, name = '', namespace } = request
  if (!query.get('fieldManager')) {
    throw refuse.invalid(type, name, [
      {
        reason: 'FieldValueRequired',
        message: 'Required value: is required for apply patch',
        field: 'fieldManager',
      },
    ])
  }
  const applied = readObject(api, request, warnings)
  if (applied.metadata.managedFields) throw refuse.badRequest('metadata.managedFields must be nil')
  applied.metadata.name ??= name
  if (type.namespaced) applied.metadata.namespace ??= namespace
  const current = api.store.get(collectionOf(type), namespace, name)
  const schema = api.registry.schemaOf(type)
  const force = isTrue(query.get('force'))
  const object = applyOwned(current?.object, applied, schema, writerOf(request), force)
  const entry = current
    ? updateObject(api, request, current, object, warnings)
    : createObject(api, request, object, warnings)
  return { code: current ? 200 : 201, json: present(entry, request), warnings }
}

/** The common end of replace and patch: what may not change is kept, the rest checked and stored. */
export function updateObject(
  api: Api,
  request: ResourceRequest,
  current: Entry,
  next: ApiObject,
  warnings: string[],
): Entry {
  const { type, subresource } = request
  const before = current.object
  const { name = '' } = before.metadata
  const { resourceVersion, uid } = next.metadata
  if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) {
    throw refuse.modified(type, name)
  }
  if (uid && uid !== before.metadata.uid) {
    throw refuse.conflict(
      type,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`,
    )
  }
  const object = confined(type, subresource, before, next)
  const schema = api.registry.schemaOf(type)
  validateRequired(type, object, schema)
  applyDefaults(object)
  allocate(object, before, api)
  if (specChanged(request, before, object)) object.metadata.generation = (before.metadata.generation ?? 0) + 1
  validateUpdate(type, object, before, subresource)
  admit(api, type, object, warnings, before)
  if (contentType(request) !== 'application/apply-patch+yaml') {
    object.metadata.managedFields = ownedAfterUpdate(before, object, schema, writerOf(request))
  }
  if (equal(object, before)) return current
  return finishDeletion(api, request, object) ?? store(api, request, object)
}

/** What a write through this path may change: the status its status only, the object everything but the status. */
function confined(
  type: ServedType,
  subresource: string | undefined,
  before: ApiObject,
  next: ApiObject,
): ApiObject {
  const { metadata } = before
  const fixed = {
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
    creationTimestamp: metadata.creationTimestamp,
    generation: metadata.generation,
    deletionTimestamp: metadata.deletionTimestamp,
    deletionGracePeriodSeconds: metadata.deletionGracePeriodSeconds,
    resourceVersion: metadata.resourceVersion,
    generateName: metadata.generateName,
  }
  if (subresource === 'status') {
    const { annotations, managedFields } = next.metadata
    const kept = copy(before)
    const changed = { ...kept, metadata: defined({ ...kept.metadata, annotations, managedFields }) }
    return next.status === undefined ? changed : { ...changed, status: next.status }
  }
  const object: ApiObject = { ...next, metadata: defined({ ...next.metadata, ...fixed }) }
  if (type.status) {
    if (before.status === undefined) delete object.status
    else object.status = copy(before.status)
  }
  return object
}

function defined(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined))
}

function hasGeneration(type: ServedType, object: ApiObject): boolean {
  return 'spec' in object && !WITHOUT_GENERATION.has(type.kind)
}

function specChanged({ type, subresource }: ResourceRequest, before: ApiObject, after: ApiObject): boolean {
  if (!hasGeneration(type, after)) return false
  if (!equal(before.spec, after.spec)) return true
  // A Deployment's generation also counts its annotations (registry/apps/deployment/strategy.go).
  const annotationsCount = type.kind === 'Deployment' && subresource === undefined
  return annotationsCount && !equal(before.metadata.annotations, after.metadata.annotations)
}

/** Without a name of its own, a field manager is called as the program that sends the request. */
function writerOf({ type, query, headers, subresource }: ResourceRequest): Writer {
  return {
    manager: query.get('fieldManager') || headers['user-agent']?.split('/')[0] || 'unknown',
    apiVersion: versionOf(type),
    ...(subresource ? { subresource } : {}),
  }
}

function store(api: Api, request: ResourceRequest, object: ApiObject): Entry {
  if (request.query.get('dryRun') === 'All') {
    return new Entry(object, api.store.revision)
  }
  return api.store.put(collectionOf(request.type), object)
}
