import type { ResourceType } from '../../adapters/kubernetes/types.ts'
import components from './kubernetes.generated.json' with { type: 'json' }

/** The part of OpenAPI v3, with the extensions of Kubernetes, that built-in kinds and CRDs use here. */
export interface Schema {
  $ref?: string
  type?: string
  format?: string
  description?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  required?: string[]
  enum?: unknown[]
  default?: unknown
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic'
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-map-type'?: 'granular' | 'atomic'
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-patch-strategy'?: string
}

const REF_PREFIX = '#/components/schemas/'

const builtIn = components as Record<string, Schema>

/** Where nothing is known of a field, anything may stand. */
export const anything: Schema = { 'x-kubernetes-preserve-unknown-fields': true }

/** The metadata of every kind, custom resources included. */
export const objectMeta: Schema = { $ref: `${REF_PREFIX}meta.v1.ObjectMeta` }

/** The schema of a built-in kind, or undefined. */
export function builtInSchema(type: Pick<ResourceType, 'group' | 'version' | 'kind'>): Schema | undefined {
  return builtIn[schemaName(type)]
}

/** The name of a built-in kind among the components, for example `apps.v1.Deployment`. */
export function schemaName({
  group,
  version,
  kind,
}: Pick<ResourceType, 'group' | 'version' | 'kind'>): string {
  return `${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`
}

/** The schema itself where it is one, else what it refers to; merge rules beside a reference win. */
export function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema
  const target = builtIn[schema.$ref.slice(REF_PREFIX.length)] ?? anything
  const { $ref, ...rules } = schema
  return Object.keys(rules).length === 0 ? target : { ...target, ...rules }
}

/** The schema of a field of an object, or undefined where no such field is declared. */
export function fieldSchema(schema: Schema, field: string): Schema | undefined {
  const declared = schema.properties?.[field]
  if (declared) return resolve(declared)
  if (typeof schema.additionalProperties === 'object') return resolve(schema.additionalProperties)
  if (schema.additionalProperties === true || schema['x-kubernetes-preserve-unknown-fields']) return anything
  return undefined
}

/** The components that a schema refers to, itself included, by name: one self-contained document. */
export function referenced(names: Iterable<string>): Record<string, Schema> {
  const found: Record<string, Schema> = {}
  const queue = [...names]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const schema = builtIn[name]
    if (!schema || found[name]) continue
    found[name] = schema
    for (const [, reference] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (reference !== undefined) queue.push(reference)
    }
  }
  return found
}
