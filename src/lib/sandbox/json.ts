import { isDeepStrictEqual } from 'node:util'
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js'

export type JsonObject = { [field: string]: unknown }

/** ObjectMeta as the server writes it; kubernetes-types declares its fields read-only for clients. */
export type Metadata = { -readonly [Field in keyof ObjectMeta]: ObjectMeta[Field] }

/** A kind of kubernetes-types with a status that may be set, as only the server and the controllers do. */
export type Writable<T> = { -readonly [Field in keyof T]: T[Field] }

/** An object as the server keeps it: any kind, with the fields that every kind has. */
export interface ApiObject extends JsonObject {
  apiVersion: string
  kind: string
  metadata: Metadata
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A deep copy. Objects in the store are shared by all readers, so whoever changes one copies it first. */
export function copy<T>(value: T): T {
  return structuredClone(value)
}

export const equal = isDeepStrictEqual

/** The value at a path such as `spec.replicas`, or undefined. */
export function at(object: unknown, path: string): unknown {
  let value = object
  for (const field of path.split('.')) {
    if (!isObject(value)) return undefined
    value = value[field]
  }
  return value
}

/** Sets the value at a path such as `spec.replicas`; the objects on the way are made. */
export function setAt(object: JsonObject, path: string, value: unknown): void {
  const fields = path.split('.')
  const last = fields.pop() ?? path
  let target = object
  for (const field of fields) {
    const next = target[field]
    if (isObject(next)) target = next
    else {
      const made: JsonObject = {}
      target[field] = made
      target = made
    }
  }
  target[last] = value
}

/** metav1.Time: RFC 3339 in UTC with whole seconds. */
export function timestamp(milliseconds: number = Date.now()): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}

/** metav1.MicroTime, as Leases and the newer events have it. */
export function microTimestamp(milliseconds: number = Date.now()): string {
  return `${new Date(milliseconds).toISOString().slice(0, 23)}000Z`
}
