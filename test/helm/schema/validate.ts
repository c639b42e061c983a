import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { createGenerator, type Schema } from 'ts-json-schema-generator'
import { type Kubernetes, nameOf } from '../objects.ts'

/**
 * What a strict API server would refuse about an object: unknown fields, wrong types, missing fields.
 * @returns one line per fault, none for a valid object.
 */
export function schemaFaults(object: Kubernetes): string[] {
  const validate = validatorOf(String(object.kind))
  return validate(object) ? [] : (validate.errors ?? []).map((error) => describe(object, error))
}

function describe(object: Kubernetes, error: ErrorObject): string {
  const extra = 'additionalProperty' in error.params ? ` (${error.params.additionalProperty})` : ''
  return `${nameOf(object)}${error.instancePath}: ${error.message}${extra}`
}

const validators = new Map<string, ValidateFunction>()
let ajv: Ajv | undefined

/** @throws when the kind is none that the charts may render. */
function validatorOf(kind: string): ValidateFunction {
  ajv ??= new Ajv({ allErrors: true, strict: false })
    .addSchema(builtIn(), 'builtin')
    .addSchema(custom(), 'custom')
  const $ref = kind === 'ExternalSecret' ? 'custom' : `builtin#/definitions/Kinds/properties/${kind}`
  const schema = { allOf: [{ $ref }, { required: ['apiVersion', 'kind', 'metadata'] }] }
  const validator = validators.get(kind) ?? ajv.compile(schema)
  validators.set(kind, validator)
  return validator
}

/** The types of kubernetes-types as JSON Schemas without room for unknown fields; takes half a second. */
function builtIn(): Schema {
  return createGenerator({
    path: join(import.meta.dirname, 'kinds.ts'),
    tsconfig: join(import.meta.dirname, '..', '..', '..', 'tsconfig.json'),
    type: 'Kinds',
    jsDoc: 'none',
    additionalProperties: false,
    skipTypeCheck: true,
  }).createSchema('Kinds')
}

/** kubernetes-types has no custom resources; this schema was made from @kubernetes-models/external-secrets. */
function custom(): Schema {
  return JSON.parse(
    readFileSync(join(import.meta.dirname, 'external-secret.generated.json'), 'utf8'),
  ) as Schema
}
