import { sameJson } from './object.ts'

/** One field that differs; an absent side is undefined. */
export interface FieldChange {
  /** `spec.template.spec.containers[api].image` */
  path: string
  before?: unknown
  after?: unknown
}

/** What the API server keeps for itself or changes by itself. */
const SERVER_FIELDS = new Set([
  'status',
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.uid',
  'metadata.creationTimestamp',
  'metadata.selfLink',
])

/** Which fields identify the members of a list, in order of preference. */
const LIST_KEYS = [
  'name',
  'key',
  'containerPort',
  'port',
  'mountPath',
  'type',
  'host',
  'path',
  'topologyKey',
  'secretKey',
]

/** The fields in which an object would change, without those that the API server keeps. */
export function fieldChanges(before: unknown, after: unknown): FieldChange[] {
  return walk(before, after, '')
}

function walk(before: unknown, after: unknown, path: string): FieldChange[] {
  if (SERVER_FIELDS.has(path)) return []
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
    return keys.flatMap((key) => walk(before[key], after[key], join(path, key)))
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const listKey = LIST_KEYS.find((key) => identifies(key, before) && identifies(key, after))
    if (listKey !== undefined) return walkList(before as Keyed[], after as Keyed[], path, listKey)
  }
  return sameJson(before, after) ? [] : [{ path, before, after }]
}

type Keyed = Record<string, unknown>

function walkList(before: Keyed[], after: Keyed[], path: string, listKey: string): FieldChange[] {
  const byId = (list: Keyed[]) => new Map(list.map((member) => [String(member[listKey]), member]))
  const [left, right] = [byId(before), byId(after)]
  const ids = [...new Set([...left.keys(), ...right.keys()])]
  return ids.flatMap((id) => walk(left.get(id), right.get(id), `${path}[${id}]`))
}

function identifies(key: string, list: unknown[]): boolean {
  const ids = list.map((member) => (isMap(member) ? member[key] : undefined))
  return ids.every((id) => id !== undefined) && new Set(ids).size === ids.length
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Label and annotation names have dots and slashes of their own. */
function join(path: string, key: string): string {
  const part = /^[\w-]+$/.test(key) ? key : `"${key}"`
  return path === '' ? part : `${path}.${part}`
}
