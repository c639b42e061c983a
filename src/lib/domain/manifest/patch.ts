/**
 * Merge keys of the lists in workload objects (patchMergeKey in the types of k8s.io/api). A field whose lists are
 * keyed differently from kind to kind names them all; the one that the members have is used.
 */
const MERGE_KEYS: Record<string, readonly string[]> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  imagePullSecrets: ['name'],
  secrets: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  ports: ['containerPort', 'port'],
  hostAliases: ['ip'],
  topologySpreadConstraints: ['topologyKey'],
}

/**
 * A patch that does what helm's three-way merge does: it sets everything that the new manifest has and removes what
 * the previous manifest had and the new one has not, and leaves fields that neither names to their owners.
 * @param strategic true for built-in kinds, whose lists merge by key; false for custom resources (RFC 7386)
 */
export function mergePatch(previous: unknown, rendered: unknown, strategic: boolean): unknown {
  if (!isMap(rendered)) return rendered
  const before = isMap(previous) ? previous : {}
  const patch: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(rendered)) {
    patch[key] =
      strategic && Array.isArray(value)
        ? listPatch(key, before[key], value)
        : mergePatch(before[key], value, strategic)
  }
  for (const key of Object.keys(before)) if (!(key in rendered)) patch[key] = null
  return patch
}

function listPatch(field: string, previous: unknown, rendered: unknown[]): unknown[] {
  const members = [...(Array.isArray(previous) ? previous : []), ...rendered]
  const mergeKey = MERGE_KEYS[field]?.find((key) => members.every((member) => isMap(member) && key in member))
  if (mergeKey === undefined) return rendered
  const before = (Array.isArray(previous) ? previous : []) as Record<string, unknown>[]
  const after = rendered as Record<string, unknown>[]
  const counterpart = (list: Record<string, unknown>[], member: Record<string, unknown>) =>
    list.find((other) => other[mergeKey] === member[mergeKey])
  const removed = before
    .filter((member) => counterpart(after, member) === undefined)
    .map((member) => ({ [mergeKey]: member[mergeKey], $patch: 'delete' }))
  return [...after.map((member) => mergePatch(counterpart(before, member), member, true)), ...removed]
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
