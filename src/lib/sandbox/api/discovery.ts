import { createHash } from 'node:crypto'
import { referenced, type Schema, schemaName } from '../schema/schema.ts'
import { versionOf } from './present.ts'
import { type CustomType, isCustom, type Registry } from './registry.ts'
import type { ServedType } from './resources.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const AGGREGATED = 'apidiscovery.k8s.io'

interface Subresource {
  name: string
  verbs: string[]
  group?: string
  version?: string
  kind: string
}

function verbsOf(type: ServedType): string[] {
  if (type.stored !== false) return VERBS
  return type.group === 'metrics.k8s.io' ? ['get', 'list'] : ['create']
}

function subresourcesOf(type: ServedType): Subresource[] {
  const found: Subresource[] = []
  const read = ['get', 'patch', 'update']
  if (type.status) found.push({ name: 'status', verbs: read, kind: type.kind })
  if (type.scale)
    found.push({ name: 'scale', verbs: read, group: 'autoscaling', version: 'v1', kind: 'Scale' })
  if (type.group === '' && type.plural === 'pods') {
    found.push(
      { name: 'binding', verbs: ['create'], kind: 'Binding' },
      { name: 'eviction', verbs: ['create'], group: 'policy', version: 'v1', kind: 'Eviction' },
      { name: 'exec', verbs: ['create', 'get'], kind: 'PodExecOptions' },
      { name: 'log', verbs: ['get'], kind: 'Pod' },
    )
  }
  if (type.plural === 'namespaces') found.push({ name: 'finalize', verbs: ['update'], kind: 'Namespace' })
  return found
}

/** Whether a client asks for all groups at once, in one of the aggregated forms. */
export function wantsAggregated(accept = ''): boolean {
  return accept.includes(`g=${AGGREGATED}`)
}

/** APIGroupDiscoveryList, for `/api` (the core group) or `/apis` (the others). */
export function aggregatedDiscovery(registry: Registry, core: boolean): object {
  const items = groupsOf(registry)
    .filter(([group]) => (group === '') === core)
    .map(([group, versions]) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: [...versions].map(([version, types]) => ({
        version,
        freshness: 'Current',
        resources: types.map(aggregatedResource),
      })),
    }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: `${AGGREGATED}/v2`, metadata: {}, items }
}

function aggregatedResource(type: ServedType): object {
  const subresources = subresourcesOf(type).map(({ name, verbs, group, version, kind }) => ({
    subresource: name,
    responseKind: { group: group ?? type.group, version: version ?? type.version, kind },
    verbs,
  }))
  return {
    resource: type.plural,
    responseKind: { group: type.group, version: type.version, kind: type.kind },
    scope: type.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: type.singular,
    verbs: verbsOf(type),
    ...(type.shortNames?.length ? { shortNames: type.shortNames } : {}),
    ...(type.categories?.length ? { categories: type.categories } : {}),
    ...(subresources.length ? { subresources } : {}),
  }
}

/** APIGroupList. */
export function groupList(registry: Registry): object {
  const groups = groupsOf(registry)
    .filter(([group]) => group !== '')
    .map(([group, versions]) => groupDocument(group, [...versions.keys()]))
  return { kind: 'APIGroupList', apiVersion: 'v1', groups }
}

/** APIGroup, or undefined where there is no such group. */
export function group(registry: Registry, name: string): object | undefined {
  const versions = new Map(groupsOf(registry)).get(name)
  return versions && { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(name, [...versions.keys()]) }
}

function groupDocument(name: string, versions: string[]): object {
  const list = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: list, preferredVersion: list[0] }
}

/** APIResourceList of one group and version, or undefined where there is none. */
export function resourceList(registry: Registry, groupName: string, version: string): object | undefined {
  const types = new Map(groupsOf(registry)).get(groupName)?.get(version)
  if (!types) return undefined
  const resources = types.flatMap((type) => [
    {
      name: type.plural,
      singularName: type.singular,
      namespaced: type.namespaced,
      kind: type.kind,
      verbs: verbsOf(type),
      ...(type.shortNames?.length ? { shortNames: type.shortNames } : {}),
      ...(type.categories?.length ? { categories: type.categories } : {}),
    },
    ...subresourcesOf(type).map(({ name, ...rest }) => ({
      name: `${type.plural}/${name}`,
      singularName: '',
      namespaced: type.namespaced,
      ...rest,
    })),
  ])
  const groupVersion = versionOf({ group: groupName, version })
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources }
}

function groupsOf(registry: Registry): [string, Map<string, ServedType[]>][] {
  const groups = new Map<string, Map<string, ServedType[]>>()
  for (const type of registry.types) {
    const versions = groups.get(type.group) ?? new Map<string, ServedType[]>()
    groups.set(type.group, versions)
    versions.set(type.version, [...(versions.get(type.version) ?? []), type])
  }
  return [...groups]
}

/** The index of OpenAPI v3: where the document of each group and version is. */
export function openApiIndex(registry: Registry): object {
  const paths: Record<string, object> = {}
  for (const [groupName, versions] of groupsOf(registry)) {
    for (const version of versions.keys()) {
      const path = groupName === '' ? `api/${version}` : `apis/${groupName}/${version}`
      const document = JSON.stringify(openApi(registry, groupName, version))
      const hash = createHash('sha256').update(document).digest('hex').slice(0, 32).toUpperCase()
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }
    }
  }
  return { paths }
}

/**
 * The OpenAPI v3 document of a group and version: the schemas, and of each path the `patch` operation, by whose
 * `fieldValidation` parameter helm and kubectl learn that the server checks fields itself.
 */
export function openApi(registry: Registry, groupName: string, version: string): object | undefined {
  const types = new Map(groupsOf(registry)).get(groupName)?.get(version)
  if (!types) return undefined
  const paths: Record<string, object> = {}
  const schemas: Record<string, Schema> = referenced(
    types.filter((type) => !isCustom(type)).map((type) => schemaName(type)),
  )
  const kinds: Record<string, object> = {}
  for (const type of types.filter(({ stored }) => stored !== false)) {
    const root = groupName === '' ? `/api/${version}` : `/apis/${groupName}/${version}`
    const scope = type.namespaced ? '/namespaces/{namespace}' : ''
    const gvk = { group: groupName, version, kind: type.kind }
    paths[`${root}${scope}/${type.plural}/{name}`] = { patch: patchOperation(gvk) }
    const name = isCustom(type) ? customName(type) : schemaName(type)
    const schema = isCustom(type) ? type.schema : schemas[name]
    if (schema) kinds[name] = { ...schema, 'x-kubernetes-group-version-kind': [gvk] }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'sandbox' },
    paths,
    components: { schemas: { ...schemas, ...referencedByCustom(types), ...kinds } },
  }
}

function customName({ group: groupName, version, kind }: CustomType): string {
  return `${groupName.split('.').reverse().join('.')}.${version}.${kind}`
}

function referencedByCustom(types: ServedType[]): Record<string, Schema> {
  return types.some(isCustom) ? referenced(['meta.v1.ObjectMeta']) : {}
}

function patchOperation(gvk: object): object {
  const parameter = (name: string) => ({
    name,
    in: 'query',
    schema: { type: 'string', uniqueItems: true },
  })
  return {
    parameters: ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map(parameter),
    responses: { 200: { description: 'OK' } },
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': gvk,
  }
}
