import { isObject, type JsonObject } from '../../json.ts'
import { anything, fieldSchema, type Schema } from '../../schema/schema.ts'
import { elementOf, itemSchema, structureOf } from '../../schema/structure.ts'
import type { Fields } from '../fields/field-set.ts'

/** Server-side apply's merge: what is applied wins, the rest of the live object stays. */
export function mergeApplied(live: unknown, applied: unknown, schema: Schema): unknown {
  const structure = structureOf(applied, schema)
  if (structure === 'map' && isObject(applied) && isObject(live)) {
    const merged: JsonObject = { ...live }
    for (const [field, value] of Object.entries(applied)) {
      merged[field] = mergeApplied(live[field], value, fieldSchema(schema, field) ?? anything)
    }
    return merged
  }
  if ((structure === 'keyed' || structure === 'set') && Array.isArray(applied) && Array.isArray(live)) {
    return mergeItems(live, applied, schema)
  }
  return applied
}

/** Items keep the live order, unless all of them are applied; new ones follow in the order of the applied list. */
function mergeItems(live: unknown[], applied: unknown[], schema: Schema): unknown[] {
  const liveItems = new Map(live.map((item) => [elementOf(item, schema), item]))
  const appliedItems = new Map(applied.map((item) => [elementOf(item, schema), item]))
  const merge = (element: string, item: unknown) =>
    mergeApplied(liveItems.get(element), item, itemSchema(schema))
  if ([...liveItems.keys()].every((element) => appliedItems.has(element))) {
    return [...appliedItems].map(([element, item]) => merge(element, item))
  }
  const kept = [...liveItems].map(([element, item]) => {
    const change = appliedItems.get(element)
    return change === undefined ? item : merge(element, change)
  })
  const added = [...appliedItems].filter(([element]) => !liveItems.has(element)).map(([, item]) => item)
  return [...kept, ...added]
}

/**
 * Removes what the applier owned by its last apply and nobody owns now. What was filled in below such a field, for
 * example the defaults of a probe, goes with it.
 */
export function prune(value: unknown, last: Fields, owned: Fields, schema: Schema): unknown {
  if (isObject(value)) {
    const kept: JsonObject = {}
    for (const [field, child] of Object.entries(value)) {
      const next = pruneElement(`f:${field}`, child, last, owned, fieldSchema(schema, field) ?? anything)
      if (next !== undefined) kept[field] = next
    }
    return kept
  }
  if (Array.isArray(value) && structureOf(value, schema) !== 'whole') {
    const items = itemSchema(schema)
    return value.flatMap((item) => {
      const next = pruneElement(elementOf(item, schema), item, last, owned, items)
      return next === undefined ? [] : [next]
    })
  }
  return value
}

function pruneElement(element: string, child: unknown, last: Fields, owned: Fields, schema: Schema): unknown {
  const lastNode = last[element]
  const ownedNode = owned[element]
  if (lastNode === undefined) return child
  if (ownedNode === undefined) return undefined
  return prune(child, lastNode, ownedNode, schema)
}
