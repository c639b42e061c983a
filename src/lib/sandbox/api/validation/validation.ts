import { type ApiObject, isObject } from '../../json.ts'
import { resolve, type Schema } from '../../schema/schema.ts'
import { isCustom } from '../registry.ts'
import type { ServedType } from '../resources.ts'
import { type Cause, refuse } from '../status.ts'
import { required } from './causes.ts'
import { immutableFields, validatorOf } from './kinds.ts'
import { validateMetadata } from './metadata.ts'
import { validatePodUpdate } from './pod.ts'

/** What defaults and a kind's own checks rely on. @throws {StatusError} 422 with one cause per field */
export function validateRequired(type: ServedType, object: ApiObject, schema: Schema): void {
  refuseInvalid(type, object, requiredFields(object, schema, '', isCustom(type)))
}

/** @throws {StatusError} 422 with one cause per field */
export function validateCreate(type: ServedType, object: ApiObject): void {
  refuseInvalid(type, object, [...validateMetadata(type, object), ...validatorOf(type)(object)])
}

/** @throws {StatusError} 422 with one cause per field */
export function validateUpdate(
  type: ServedType,
  object: ApiObject,
  before: ApiObject,
  subresource: string | undefined,
): void {
  if (subresource === 'status') return
  const causes = [...validatorOf(type)(object), ...immutableFields(type, object, before)]
  if (type.kind === 'Pod' && subresource !== 'binding') causes.push(...validatePodUpdate(object, before))
  refuseInvalid(type, object, causes)
}

function refuseInvalid(type: ServedType, { metadata }: ApiObject, causes: Cause[]): void {
  if (causes.length > 0) throw refuse.invalid(type, metadata.name ?? '', causes)
}

/** Fields that the schema requires. Status is what controllers write, and is not held to it. */
function requiredFields(value: unknown, schema: Schema, path: string, withValues: boolean): Cause[] {
  if (Array.isArray(value)) {
    const items = resolve(schema.items ?? {})
    return value.flatMap((item, index) => requiredFields(item, items, `${path}[${index}]`, withValues))
  }
  if (!isObject(value)) return withValues ? allowedValue(value, schema, path) : []
  const at = (field: string) => (path === '' ? field : `${path}.${field}`)
  const missing = (schema.required ?? [])
    .filter((field) => value[field] === undefined && !OMITTABLE.has(field))
    .map((field) => required(at(field)))
  const inner = Object.entries(value).flatMap(([field, child]) => {
    if (path === '' && (field === 'status' || field === 'metadata')) return []
    const declared = schema.properties?.[field] ?? schema.additionalProperties
    return typeof declared === 'object' ? requiredFields(child, resolve(declared), at(field), withValues) : []
  })
  return [...missing, ...inner]
}

/** Required by the schema, but without a pointer in Go: left out, they are simply empty. */
const OMITTABLE = new Set(['metadata', 'podSelector', 'rules', 'endpoints', 'status', 'involvedObject'])

function allowedValue(value: unknown, schema: Schema, path: string): Cause[] {
  if (!schema.enum || schema.enum.includes(value)) return []
  const supported = schema.enum.map((item) => JSON.stringify(item)).join(', ')
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`
  return [{ reason: 'FieldValueNotSupported', message, field: path }]
}
