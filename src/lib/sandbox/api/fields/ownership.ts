import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.js'
import { type ApiObject, timestamp } from '../../json.ts'
import type { Schema } from '../../schema/schema.ts'
import { mergeApplied, prune } from '../patch/apply.ts'
import { type Cause, StatusError } from '../status.ts'
import { compare } from './compare.ts'
import { difference, type Fields, fieldsOf, intersection, isEmpty, pathsOf, union } from './field-set.ts'

/** Who writes: a field manager, through the object itself or through one of its subresources. */
export interface Writer {
  manager: string
  apiVersion: string
  subresource?: string
}

interface Owner extends Writer {
  operation: 'Apply' | 'Update'
  time: string
  fields: Fields
}

/** Fields that the server writes are nobody's. */
const UNOWNED: Fields = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': Object.fromEntries(
    [
      'name',
      'namespace',
      'generateName',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'selfLink',
      'uid',
      'generation',
      'managedFields',
      'resourceVersion',
    ].map((field) => [`f:${field}`, {}]),
  ),
}

/**
 * The managed fields after a create, replace or patch: the writer owns what it changed, and others lose it.
 * @param before undefined for a create
 */
export function ownedAfterUpdate(
  before: ApiObject | undefined,
  after: ApiObject,
  schema: Schema,
  writer: Writer,
): ManagedFieldsEntry[] {
  // A client may edit the entries themselves (kubectl and helm migrate them); an emptied list starts anew.
  const owners = ownersOf(after.metadata.managedFields ?? before?.metadata.managedFields)
  const difference_ = compare(before ?? {}, after, schema)
  const changed = owned(difference_.changed)
  const removed = owned(difference_.removed)
  if (isEmpty(changed) && isEmpty(removed)) return encode(owners)
  const kept = owners.map((owner) =>
    isWriter(owner, writer, 'Update')
      ? withFields(owner, union(difference(owner.fields, removed), changed))
      : withFields(owner, difference(difference(owner.fields, removed), changed)),
  )
  if (!owners.some((owner) => isWriter(owner, writer, 'Update'))) {
    kept.push({ ...writer, operation: 'Update', time: timestamp(), fields: changed })
  }
  return encode(kept)
}

/**
 * The object after a server-side apply, managed fields included.
 * @param live undefined when the apply creates the object
 * @throws {StatusError} 409 with a cause per field when another manager owns a field with another value
 */
export function applyOwned(
  live: ApiObject | undefined,
  applied: ApiObject,
  schema: Schema,
  writer: Writer,
  force: boolean,
): ApiObject {
  const owners = ownersOf(live?.metadata.managedFields)
  const last = owners.find((owner) => isWriter(owner, writer, 'Apply'))
  const others = owners.filter((owner) => owner !== last)
  const mine = owned(fieldsOf(applied, schema))
  const base = live ?? { apiVersion: applied.apiVersion, kind: applied.kind, metadata: {} }
  const merged = mergeApplied(base, applied, schema)
  const everybodys = others.reduce((all, { fields }) => union(all, fields), mine)
  const result = (last ? prune(merged, last.fields, everybodys, schema) : merged) as ApiObject
  const { changed, removed } = compare(base, result, schema)
  if (!force) refuseConflicts(others, changed)
  const kept = others.map((owner) =>
    withFields(owner, difference(difference(owner.fields, changed), removed)),
  )
  const same = last !== undefined && JSON.stringify(last.fields) === JSON.stringify(mine)
  kept.push(same ? last : { ...writer, operation: 'Apply', time: timestamp(), fields: mine })
  return { ...result, metadata: { ...result.metadata, managedFields: encode(kept) } }
}

function refuseConflicts(others: Owner[], changed: Fields): void {
  const conflicts = others
    .map((owner) => ({ owner, paths: pathsOf(intersection(owner.fields, changed)) }))
    .filter(({ paths }) => paths.length > 0)
  if (conflicts.length === 0) return
  const causes: Cause[] = conflicts.flatMap(({ owner, paths }) =>
    paths.map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${ownerText(owner)}`,
      field,
    })),
  )
  throw new StatusError(409, 'Conflict', conflictMessage(conflicts, causes.length), { causes })
}

function conflictMessage(conflicts: { owner: Owner; paths: string[] }[], count: number): string {
  const [first] = conflicts
  if (count === 1 && first) {
    return `Apply failed with 1 conflict: conflict with ${ownerText(first.owner)}: ${first.paths[0]}`
  }
  const lines = conflicts.flatMap(({ owner, paths }) => [
    `conflicts with ${ownerText(owner)}:`,
    ...paths.map((path) => `- ${path}`),
  ])
  return `Apply failed with ${count} conflicts: ${lines.join('\n')}`
}

function ownerText({ manager, subresource, operation, apiVersion }: Owner): string {
  const through = subresource ? `"${manager}" with subresource "${subresource}"` : `"${manager}"`
  return operation === 'Update' ? `${through} using ${apiVersion}` : through
}

function isWriter(owner: Owner, writer: Writer, operation: Owner['operation']): boolean {
  const same =
    owner.manager === writer.manager &&
    owner.operation === operation &&
    (owner.subresource ?? '') === (writer.subresource ?? '')
  return same && (operation === 'Apply' || owner.apiVersion === writer.apiVersion)
}

function withFields(owner: Owner, fields: Fields): Owner {
  const same = JSON.stringify(fields) === JSON.stringify(owner.fields)
  return same ? owner : { ...owner, fields, time: timestamp() }
}

function owned(fields: Fields): Fields {
  return difference(fields, UNOWNED)
}

function ownersOf(entries: ManagedFieldsEntry[] | undefined): Owner[] {
  return (entries ?? []).map(({ manager = '', operation, apiVersion = '', subresource, time, fieldsV1 }) => ({
    manager,
    operation: operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion,
    ...(subresource ? { subresource } : {}),
    time: time ?? timestamp(),
    fields: (fieldsV1 ?? {}) as Fields,
  }))
}

/** In the server's order: appliers first, then by time, then by name. */
function encode(owners: Owner[]): ManagedFieldsEntry[] {
  return owners
    .filter(({ fields }) => !isEmpty(fields))
    .sort(
      (a, b) =>
        compareText(a.operation, b.operation) ||
        compareText(a.time, b.time) ||
        compareText(a.manager, b.manager),
    )
    .map(({ manager, operation, apiVersion, time, fields, subresource }) => ({
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: fields,
      ...(subresource ? { subresource } : {}),
    }))
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
