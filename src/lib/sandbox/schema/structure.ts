import { isObject } from '../json.ts'
import { fieldSchema, resolve, type Schema } from './schema.ts'

/**
 * How a value merges: field by field (`map`), item by item (`keyed`: objects with merge keys, `set`: scalars), or only
 * as a whole.
 */
export type Structure = 'map' | 'keyed' | 'set' | 'whole'

export function structureOf(value: unknown, schema: Schema): Structure {
  if (isObject(value)) return schema['x-kubernetes-map-type'] === 'atomic' ? 'whole' : 'map'
  if (!Array.isArray(value)) return 'whole'
  const type = schema['x-kubernetes-list-type']
  if (type === 'map') return value.every(isObject) ? 'keyed' : 'whole'
  return type === 'set' ? 'set' : 'whole'
}

/** The schema of the items of a list. */
export function itemSchema(schema: Schema): Schema {
  return resolve(schema.items ?? {})
}

/**
 * The name of a list item within its list, as fieldsV1 writes it: `k:{"name":"app"}` or `v:"value"`. A key that the
 * item leaves out has its default.
 */
export function elementOf(item: unknown, list: Schema): string {
  if (list['x-kubernetes-list-type'] !== 'map' || !isObject(item)) return `v:${JSON.stringify(item)}`
  const schema = itemSchema(list)
  const keys = [...(list['x-kubernetes-list-map-keys'] ?? [])].sort()
  const pairs = keys.flatMap((key) => {
    const value = item[key] ?? fieldSchema(schema, key)?.default
    return value === undefined ? [] : [[key, value]]
  })
  return `k:${JSON.stringify(Object.fromEntries(pairs))}`
}
