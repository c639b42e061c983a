import { canonicalQuantity, parseQuantity } from '../../domain/quantity.ts'
import { isObject, type JsonObject } from '../json.ts'
import { anything, fieldSchema, resolve, type Schema } from './schema.ts'

export interface Decoded {
  value: unknown
  /** Paths that no field is declared for, `spec.template.spec.contaners`; they are dropped from the value. */
  unknownFields: string[]
  /** Values of the wrong type, in words. */
  mistyped: { path: string; message: string }[]
}

/**
 * Reads a value as its schema declares it, as Go's decoder would: unknown fields and nulls are dropped, quantities
 * put in canonical form, empty lists and maps left out (`omitempty`).
 */
export function decode(value: unknown, schema: Schema): Decoded {
  const decoded: Decoded = { value: undefined, unknownFields: [], mistyped: [] }
  decoded.value = decodeValue(value, schema, '', decoded)
  return decoded
}

function decodeValue(value: unknown, schema: Schema, path: string, into: Decoded): unknown {
  if (isObject(value)) return decodeObject(value, schema, path, into)
  if (Array.isArray(value)) return decodeArray(value, schema, path, into)
  return decodeScalar(value, schema, path, into)
}

function decodeObject(value: JsonObject, schema: Schema, path: string, into: Decoded): unknown {
  if (!accepts(schema, 'object')) return mistyped('object', schema, path, into)
  const result: JsonObject = {}
  for (const [field, child] of Object.entries(value)) {
    const childPath = path === '' ? field : `${path}.${field}`
    const declared = fieldSchema(schema, field)
    if (declared === undefined) into.unknownFields.push(childPath)
    else if (child !== null && !isOmitted(child, declared)) {
      const decoded = decodeValue(child, declared, childPath, into)
      if (decoded !== undefined) result[field] = decoded
    } else if (child === null && declared === anything) result[field] = null
  }
  return result
}

function decodeArray(value: unknown[], schema: Schema, path: string, into: Decoded): unknown {
  if (!accepts(schema, 'array')) return mistyped('array', schema, path, into)
  const items = schema.items ? resolve(schema.items) : anything
  return value.map((item, index) => decodeValue(item, items, `${path}[${index}]`, into))
}

function decodeScalar(value: unknown, schema: Schema, path: string, into: Decoded): unknown {
  if (schema['x-kubernetes-int-or-string']) {
    if (schema.format === 'quantity' && (typeof value === 'string' || typeof value === 'number')) {
      if (parseQuantity(value)) return canonicalQuantity(value)
      into.mistyped.push({
        path,
        message:
          "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      })
      return undefined
    }
    return typeof value === 'boolean' ? mistyped('bool', schema, path, into) : value
  }
  const type = typeof value === 'boolean' ? 'boolean' : typeof value === 'number' ? 'number' : 'string'
  if (!accepts(schema, type)) return mistyped(type === 'boolean' ? 'bool' : type, schema, path, into)
  return value
}

function accepts(schema: Schema, type: string): boolean {
  if (schema['x-kubernetes-int-or-string']) return false
  if (schema.type === undefined) return true
  return schema.type === type || (schema.type === 'integer' && type === 'number')
}

/** Words of Go's JSON decoder. */
const GO_TYPES: Record<string, string> = { number: 'int32', integer: 'int64', boolean: 'bool', array: '[]' }

function mistyped(found: string, schema: Schema, path: string, into: Decoded): undefined {
  const wanted = GO_TYPES[schema.type ?? ''] ?? schema.type ?? schema.format ?? 'value'
  into.mistyped.push({
    path,
    message: `json: cannot unmarshal ${found} into Go struct field .${path} of type ${wanted}`,
  })
  return undefined
}

/** Empty lists and empty maps of free keys are as good as absent; an empty struct such as `emptyDir: {}` is not. */
function isOmitted(value: unknown, schema: Schema): boolean {
  if (Array.isArray(value)) return value.length === 0 && schema.type === 'array'
  return isObject(value) && Object.keys(value).length === 0 && schema.additionalProperties !== undefined
}
