/** A rendered or a live Kubernetes object, as plain data. */
export interface ManifestObject {
  apiVersion?: string
  kind?: string
  metadata?: { name?: string; namespace?: string; annotations?: Record<string, string> }
}

/** `Deployment/api-gateway`: how an object is named to people. */
export function objectName(object: ManifestObject): string {
  return `${object.kind}/${object.metadata?.name}`
}

/** Identifies an object within one namespace across versions of its kind. */
export function objectKey(object: ManifestObject): string {
  const group = object.apiVersion?.includes('/') ? object.apiVersion.split('/')[0] : ''
  return [group, object.kind, object.metadata?.namespace ?? '', object.metadata?.name].join('/')
}

/** Objects are equal whatever the order of their keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((each, i) => sameJson(each, b[i]))
    )
  }
  const left = definedEntries(a)
  const right = definedEntries(b)
  return (
    left.size === right.size &&
    [...left].every(([key, value]) => right.has(key) && sameJson(value, right.get(key)))
  )
}

function definedEntries(object: object): Map<string, unknown> {
  return new Map(Object.entries(object).filter(([, value]) => value !== undefined))
}
