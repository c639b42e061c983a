import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js'
import type { Schema } from './schema/schema.ts'

const GROUP = 'external-secrets.io'
const text: Schema = { type: 'string' }
const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

function object(properties: Record<string, Schema>, required?: string[]): Schema {
  return { type: 'object', properties, ...(required ? { required } : {}) }
}

function list(items: Schema): Schema {
  return { type: 'array', items }
}

const texts: Schema = { type: 'object', additionalProperties: text }
const templateMetadata = object({ annotations: texts, labels: texts })
const remoteRef = object(
  {
    key: text,
    property: text,
    version: text,
    conversionStrategy: text,
    decodingStrategy: text,
    metadataPolicy: text,
  },
  ['key'],
)
const storeRef = object({
  name: text,
  kind: { type: 'string', enum: ['SecretStore', 'ClusterSecretStore'] },
})

const externalSecretSpec = object({
  refreshInterval: text,
  refreshPolicy: text,
  secretStoreRef: storeRef,
  target: object({
    name: text,
    creationPolicy: { type: 'string', enum: ['Owner', 'Orphan', 'Merge', 'None'] },
    deletionPolicy: { type: 'string', enum: ['Delete', 'Merge', 'Retain'] },
    immutable: { type: 'boolean' },
    template: object({
      type: text,
      engineVersion: text,
      mergePolicy: text,
      metadata: templateMetadata,
      data: texts,
      templateFrom: list(open),
    }),
  }),
  data: list(object({ secretKey: text, remoteRef, sourceRef: open }, ['remoteRef', 'secretKey'])),
  dataFrom: list(object({ extract: remoteRef, find: open, rewrite: list(open), sourceRef: open })),
})

/**
 * The definitions of external-secrets.io/v1 that the charts use, with the fields of the AWS provider's users. The
 * operator's own file has 20,000 lines, for all its providers.
 */
export const externalSecretsDefinitions: CustomResourceDefinition[] = [
  definition('ExternalSecret', 'externalsecrets', 'Namespaced', ['es'], externalSecretSpec, [
    { name: 'StoreType', type: 'string', jsonPath: '.spec.secretStoreRef.kind' },
    { name: 'Store', type: 'string', jsonPath: '.spec.secretStoreRef.name' },
    { name: 'Refresh Interval', type: 'string', jsonPath: '.spec.refreshInterval' },
    { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  ]),
  definition(
    'ClusterSecretStore',
    'clustersecretstores',
    'Cluster',
    ['css'],
    object({ controller: text, provider: open, refreshInterval: { type: 'number' }, retrySettings: open }, [
      'provider',
    ]),
    [
      { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    ],
  ),
]

function definition(
  kind: string,
  plural: string,
  scope: string,
  shortNames: string[],
  spec: Schema,
  additionalPrinterColumns: { name: string; type: string; jsonPath: string }[],
): CustomResourceDefinition {
  return {
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope,
      names: { kind, plural, singular: kind.toLowerCase(), shortNames, categories: ['external-secrets'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns,
          schema: { openAPIV3Schema: object({ spec, status: open }) as object },
        },
      ],
    },
  }
}
