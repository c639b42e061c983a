import { equal, isObject, type JsonObject } from '../../json.ts'
import { anything, fieldSchema, type Schema } from '../../schema/schema.ts'
import { itemSchema } from '../../schema/structure.ts'

const ORDER = '$setElementOrder/'
const DELETE = '$deleteFromPrimitiveList/'

/**
 * Kubernetes' strategic merge patch: like a merge patch, but lists with a merge key merge item by item, and the
 * directives `$patch`, `$retainKeys`, `$setElementOrder/x` and `$deleteFromPrimitiveList/x` are followed.
 * Source: the community's strategic-merge-patch.md and apimachinery/pkg/util/strategicpatch.
 */
export function strategicMerge(target: unknown, patch: unknown, schema: Schema): unknown {
  if (!isObject(patch)) return patch
  if (patch.$patch === 'delete') return {}
  if (patch.$patch === 'replace') return withoutDirectives(patch)
  const merged: JsonObject = isObject(target) ? { ...target } : {}
  const retained = patch.$retainKeys
  if (Array.isArray(retained)) {
    for (const field of Object.keys(merged)) if (!retained.includes(field)) delete merged[field]
  }
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith('$')) continue
    if (value === null) delete merged[field]
    else merged[field] = mergeField(merged[field], value, fieldSchema(schema, field) ?? anything)
  }
  followListDirectives(merged, patch, schema)
  return merged
}

function mergeField(target: unknown, patch: unknown, schema: Schema): unknown {
  if (!Array.isArray(patch)) return strategicMerge(target, patch, schema)
  const live = Array.isArray(target) ? target : []
  const key = schema['x-kubernetes-patch-merge-key']
  if (key !== undefined) return mergeKeyed(live, patch, key, itemSchema(schema))
  if (!schema['x-kubernetes-patch-strategy']?.includes('merge')) return patch
  return [...live, ...patch.filter((value) => !live.some((other) => equal(other, value)))]
}

function mergeKeyed(live: unknown[], patch: unknown[], key: string, schema: Schema): unknown[] {
  if (patch.some((item) => isObject(item) && item.$patch === 'replace')) {
    return patch.filter((item) => !(isObject(item) && item.$patch === 'replace'))
  }
  const result = [...live]
  for (const item of patch) {
    if (!isObject(item)) continue
    const index = result.findIndex((other) => isObject(other) && equal(other[key], item[key]))
    if (item.$patch === 'delete') {
      if (index >= 0) result.splice(index, 1)
    } else if (index >= 0) {
      result[index] = strategicMerge(result[index], item, schema)
    } else {
      result.push(strategicMerge({}, item, schema))
    }
  }
  return result
}

function followListDirectives(merged: JsonObject, patch: JsonObject, schema: Schema): void {
  for (const [directive, values] of Object.entries(patch)) {
    if (!Array.isArray(values)) continue
    if (directive.startsWith(DELETE)) {
      const field = directive.slice(DELETE.length)
      const list = merged[field]
      if (Array.isArray(list))
        merged[field] = list.filter((value) => !values.some((gone) => equal(gone, value)))
    } else if (directive.startsWith(ORDER)) {
      const field = directive.slice(ORDER.length)
      const list = merged[field]
      const key = fieldSchema(schema, field)?.['x-kubernetes-patch-merge-key']
      if (Array.isArray(list)) merged[field] = ordered(list, values, key)
    }
  }
}

/** Items that the order names come in that order; the others keep their place before the item that followed them. */
function ordered(list: unknown[], order: unknown[], key: string | undefined): unknown[] {
  const identity = (value: unknown) => (key !== undefined && isObject(value) ? value[key] : value)
  const rank = (item: unknown) => order.findIndex((named) => equal(identity(named), identity(item)))
  const named = list.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b))
  return list.map((item) => (rank(item) >= 0 ? named.shift() : item))
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !field.startsWith('$')))
}
