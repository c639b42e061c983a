import { equal, isObject } from '../../json.ts'
import { anything, fieldSchema, type Schema } from '../../schema/schema.ts'
import { elementOf, itemSchema, structureOf } from '../../schema/structure.ts'
import { type Fields, fieldsOf, isEmpty, union } from './field-set.ts'

export interface Comparison {
  /** Added or modified. */
  changed: Fields
  removed: Fields
}

/** What differs between two states of an object, field by field as its schema merges. */
export function compare(before: unknown, after: unknown, schema: Schema): Comparison {
  const changed: Fields = {}
  const removed: Fields = {}
  const beforeItems = childrenOf(before, schema)
  const afterItems = childrenOf(after, schema)
  for (const [element, { value, schema: child }] of afterItems) {
    const old = beforeItems.get(element)
    if (old === undefined) changed[element] = added(element, value, child)
    else if (!equal(old.value, value)) descend(element, old.value, value, child, { changed, removed })
  }
  for (const [element, { value, schema: child }] of beforeItems) {
    if (!afterItems.has(element)) removed[element] = added(element, value, child)
  }
  return { changed, removed }
}

function descend(element: string, old: unknown, value: unknown, schema: Schema, into: Comparison): void {
  const structure = structureOf(value, schema)
  if (structure === 'whole' || structureOf(old, schema) !== structure) {
    into.changed[element] = {}
    return
  }
  const inner = compare(old, value, schema)
  if (!isEmpty(inner.changed)) into.changed[element] = inner.changed
  if (!isEmpty(inner.removed)) into.removed[element] = inner.removed
}

/** A new list item, and a new map of free keys such as labels, are owned themselves beside what they hold. */
function added(element: string, value: unknown, schema: Schema): Fields {
  const fields = fieldsOf(value, schema)
  const owned = !element.startsWith('f:') || Array.isArray(value) || schema.additionalProperties !== undefined
  return owned && !isEmpty(fields) ? union({ '.': {} }, fields) : fields
}

function childrenOf(value: unknown, schema: Schema): Map<string, { value: unknown; schema: Schema }> {
  const structure = structureOf(value, schema)
  if (structure === 'map' && isObject(value)) {
    return new Map(
      Object.entries(value).map(([field, child]) => [
        `f:${field}`,
        { value: child, schema: fieldSchema(schema, field) ?? anything },
      ]),
    )
  }
  if ((structure === 'keyed' || structure === 'set') && Array.isArray(value)) {
    const items = itemSchema(schema)
    return new Map(value.map((item) => [elementOf(item, schema), { value: item, schema: items }]))
  }
  return new Map()
}
