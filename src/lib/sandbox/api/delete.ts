import type { Pod } from 'kubernetes-types/core/v1.js'
import type { DeleteOptions } from 'kubernetes-types/meta/v1.js'
import { type ApiObject, copy, timestamp } from '../json.ts'
import type { Entry } from '../store/entry.ts'
import { parseBody } from './body.ts'
import { present } from './present.ts'
import { find, selectionOf } from './read.ts'
import type { Answer, Api, ResourceRequest } from './request.ts'
import { collectionOf, type ServedType } from './resources.ts'
import { refuse } from './status.ts'

const FINALIZERS: Record<string, string> = { Foreground: 'foregroundDeletion', Orphan: 'orphan' }

/** @throws {StatusError} 404, or 409 when a precondition fails */
export function remove(api: Api, request: ResourceRequest): Answer {
  const entry = find(api, request)
  const options = deleteOptions(request)
  const warnings: string[] = []
  const left = removeEntry(api, request, entry, options, warnings)
  if (left) return { json: present(left, request), warnings }
  const { name, uid } = entry.object.metadata
  const { group, plural } = request.type
  return {
    json: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name, ...(group === '' ? {} : { group }), kind: plural, uid },
    },
    warnings,
  }
}

export function removeCollection(api: Api, request: ResourceRequest): Answer {
  const options = deleteOptions(request)
  const { namespace } = request
  const selected = selectionOf(request)
  const entries = api.store
    .list(collectionOf(request.type), namespace === '' ? undefined : namespace)
    .filter(selected)
  for (const entry of entries) removeEntry(api, request, entry, options, [])
  return { json: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } }
}

function deleteOptions(request: ResourceRequest): DeleteOptions {
  const { query } = request
  const body = parseBody(request) as DeleteOptions
  const grace = query.get('gracePeriodSeconds')
  const policy = query.get('propagationPolicy')
  return {
    ...body,
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
  }
}

/** @returns the object where something still holds it (a finalizer, its grace period), undefined when it is gone */
function removeEntry(
  api: Api,
  request: ResourceRequest,
  entry: Entry,
  options: DeleteOptions,
  warnings: string[],
): Entry | undefined {
  const { type, query } = request
  const { metadata } = entry.object
  checkPreconditions(type, entry.object, options)
  const grace = graceOf(type, entry.object, options)
  const finalizers = finalizersOf(type, entry.object, options, warnings)
  const isDryRun = query.get('dryRun') === 'All' || options.dryRun?.includes('All')
  const held = finalizers.length > 0 || grace > 0 || hasNamespaceFinalizers(type, entry.object)
  if (isDryRun) return held ? entry : undefined
  if (!held) {
    api.store.delete(collectionOf(type), entry.object)
    return undefined
  }
  const left = metadata.deletionGracePeriodSeconds
  if (metadata.deletionTimestamp && (left === undefined || left <= grace)) return entry
  const object = copy(entry.object)
  object.metadata.deletionTimestamp ??= timestamp(Date.now() + grace * 1000)
  object.metadata.deletionGracePeriodSeconds = grace
  if (finalizers.length > 0) object.metadata.finalizers = finalizers
  if (object.metadata.generation) object.metadata.generation += 1
  if (type.kind === 'Namespace') object.status = { ...(object.status as object), phase: 'Terminating' }
  return api.store.put(collectionOf(type), object)
}

function checkPreconditions(type: ServedType, object: ApiObject, { preconditions }: DeleteOptions): void {
  const { name = '', uid, resourceVersion } = object.metadata
  if (preconditions?.uid && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`
    throw refuse.conflict(type, name, why)
  }
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`
    throw refuse.conflict(type, name, why)
  }
}

/** Only pods that run somewhere are given time; see PodStrategy.CheckGracefulDelete. */
function graceOf(type: ServedType, object: ApiObject, { gracePeriodSeconds }: DeleteOptions): number {
  if (type.kind !== 'Pod') return 0
  const { spec, status } = object as unknown as Pod
  const finished = status?.phase === 'Succeeded' || status?.phase === 'Failed'
  if (!spec?.nodeName || finished) return 0
  return gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30
}

function finalizersOf(
  type: ServedType,
  object: ApiObject,
  options: DeleteOptions,
  warnings: string[],
): string[] {
  const finalizers = object.metadata.finalizers ?? []
  let policy = options.propagationPolicy
  if (options.orphanDependents) policy = 'Orphan'
  if (policy === undefined && type.kind === 'Job') {
    policy = 'Orphan'
    warnings.push(
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
    )
  }
  const added = FINALIZERS[policy ?? '']
  return added === undefined || finalizers.includes(added) ? finalizers : [...finalizers, added]
}

function hasNamespaceFinalizers(type: ServedType, object: ApiObject): boolean {
  const spec = object.spec as { finalizers?: string[] } | undefined
  return type.kind === 'Namespace' && (spec?.finalizers ?? []).length > 0
}

/** Deletes an object whose last finalizer an update has just removed; undefined where it stays. */
export function finishDeletion(api: Api, request: ResourceRequest, object: ApiObject): Entry | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
  const held =
    (finalizers ?? []).length > 0 ||
    (deletionGracePeriodSeconds ?? 0) > 0 ||
    hasNamespaceFinalizers(request.type, object)
  if (deletionTimestamp === undefined || held || request.query.get('dryRun') === 'All') return undefined
  return api.store.delete(collectionOf(request.type), object)
}
