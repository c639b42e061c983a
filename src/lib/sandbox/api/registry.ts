import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js'
import type { ApiObject } from '../json.ts'
import { anything, builtInSchema, objectMeta, resolve, type Schema } from '../schema/schema.ts'
import type { Store } from '../store/store.ts'
import { builtInTypes, type ServedType } from './resources.ts'

/** A column that a CustomResourceDefinition adds to `kubectl get`. */
interface PrinterColumn {
  name: string
  type: string
  jsonPath: string
  description?: string
  priority?: number
}

export interface CustomType extends ServedType {
  schema: Schema
  columns: PrinterColumn[]
}

const CRDS = 'customresourcedefinitions.apiextensions.k8s.io'

/** Which kinds are served: the built-in ones and those of the CustomResourceDefinitions in the store. */
export class Registry {
  #custom: CustomType[] = []

  constructor(store: Store) {
    const reload = () => {
      this.#custom = store.list(CRDS).flatMap(({ object }) => customTypes(object))
    }
    reload()
    store.subscribe(CRDS, reload)
  }

  get types(): ServedType[] {
    return [...builtInTypes, ...this.#custom]
  }

  find(group: string, version: string, plural: string): ServedType | undefined {
    return this.types.find(
      (type) => type.group === group && type.version === version && type.plural === plural,
    )
  }

  schemaOf(type: ServedType): Schema {
    if (isCustom(type)) return type.schema
    return resolve(builtInSchema(type) ?? anything)
  }
}

export function isCustom(type: ServedType): type is CustomType {
  return 'columns' in type
}

function customTypes(object: ApiObject): CustomType[] {
  const { spec } = object as unknown as CustomResourceDefinition
  return spec.versions
    .filter(({ served }) => served)
    .map((version) => ({
      group: spec.group,
      version: version.name,
      kind: spec.names.kind,
      plural: spec.names.plural,
      namespaced: spec.scope === 'Namespaced',
      singular: spec.names.singular ?? spec.names.kind.toLowerCase(),
      shortNames: spec.names.shortNames ?? [],
      categories: spec.names.categories ?? [],
      status: version.subresources?.status !== undefined,
      schema: withMetadata((version.schema?.openAPIV3Schema ?? anything) as Schema),
      columns: version.additionalPrinterColumns ?? [],
    }))
}

function withMetadata(schema: Schema): Schema {
  const text: Schema = { type: 'string' }
  return {
    ...schema,
    type: 'object',
    properties: { ...schema.properties, apiVersion: text, kind: text, metadata: objectMeta },
  }
}
