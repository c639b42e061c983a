import { isObject } from '../../json.ts'
import { anything, fieldSchema, type Schema } from '../../schema/schema.ts'
import { elementOf, itemSchema, structureOf } from '../../schema/structure.ts'

/**
 * A set of fields in the form of metadata.managedFields[].fieldsV1: `f:` names a field, `k:` and `v:` a list item. A
 * node without children is in the set; one with children only if it holds `.`. The root stands for the set itself.
 */
export type Fields = { [element: string]: Fields }

const SELF = '.'

function isMember(node: Fields): boolean {
  return SELF in node || Object.keys(node).length === 0
}

function childrenOf(node: Fields): Fields {
  if (!(SELF in node)) return node
  const { [SELF]: _, ...children } = node
  return children
}

function node(member: boolean, children: Fields): Fields | undefined {
  if (Object.keys(children).length === 0) return member ? {} : undefined
  return member ? { [SELF]: {}, ...children } : children
}

export function isEmpty(fields: Fields): boolean {
  return Object.keys(fields).length === 0
}

export function union(a: Fields, b: Fields): Fields {
  const result: Fields = { ...a }
  for (const [element, other] of Object.entries(b)) {
    const own = a[element]
    const both =
      own === undefined
        ? other
        : node(isMember(own) || isMember(other), union(childrenOf(own), childrenOf(other)))
    if (both) result[element] = both
  }
  return result
}

/** What is in `a` and not in `b`. */
export function difference(a: Fields, b: Fields): Fields {
  const result: Fields = {}
  for (const [element, own] of Object.entries(a)) {
    const other = b[element]
    const left =
      other === undefined
        ? own
        : node(isMember(own) && !isMember(other), difference(childrenOf(own), childrenOf(other)))
    if (left) result[element] = left
  }
  return result
}

export function intersection(a: Fields, b: Fields): Fields {
  const result: Fields = {}
  for (const [element, own] of Object.entries(a)) {
    const other = b[element]
    const both =
      other && node(isMember(own) && isMember(other), intersection(childrenOf(own), childrenOf(other)))
    if (both) result[element] = both
  }
  return result
}

/** The fields that a value sets, the value's own path excluded. */
export function fieldsOf(value: unknown, schema: Schema): Fields {
  const structure = structureOf(value, schema)
  const fields: Fields = {}
  if (structure === 'map' && isObject(value)) {
    for (const [field, child] of Object.entries(value)) {
      // An empty list within a list type that merges item by item owns nothing.
      const declared = fieldSchema(schema, field) ?? anything
      if (Array.isArray(child) && child.length === 0 && structureOf(child, declared) !== 'whole') continue
      fields[`f:${field}`] = fieldsOf(child, declared)
    }
  } else if ((structure === 'keyed' || structure === 'set') && Array.isArray(value)) {
    for (const item of value) {
      fields[elementOf(item, schema)] = node(true, fieldsOf(item, itemSchema(schema))) ?? {}
    }
  }
  return fields
}

/** The paths of a set, as conflicts name them: `.spec.template.spec.containers[name="app"].image`. */
export function pathsOf(fields: Fields, prefix = ''): string[] {
  return Object.entries(fields).flatMap(([element, child]) => {
    const path = prefix + pathElement(element)
    return [...(isMember(child) ? [path] : []), ...pathsOf(childrenOf(child), path)]
  })
}

function pathElement(element: string): string {
  const text = element.slice(2)
  if (element.startsWith('f:')) return `.${text}`
  if (element.startsWith('v:')) return `[=${text}]`
  const keys = Object.entries(JSON.parse(text) as Record<string, unknown>)
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
}
