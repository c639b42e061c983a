import { parse as parseYaml } from 'yaml'
import { type ApiObject, isObject, type JsonObject } from '../json.ts'
import { decode } from '../schema/decode.ts'
import { versionOf } from './present.ts'
import { decodeProtobuf } from './protobuf.ts'
import type { Api, ResourceRequest } from './request.ts'
import type { ServedType } from './resources.ts'
import { refuse } from './status.ts'

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

/** The media type of a request's body without its parameters. */
export function contentType({ headers }: Pick<ResourceRequest, 'headers'>): string {
  return (headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? ''
}

/** The body as data. @throws {StatusError} 400 or 415 */
export function parseBody(request: Pick<ResourceRequest, 'headers' | 'body'>): unknown {
  const type = contentType(request)
  if (type === 'application/vnd.kubernetes.protobuf') return decodeProtobuf(request.body)
  const text = request.body.toString('utf8')
  if (text === '') return {}
  try {
    // Server-side apply says YAML and mostly sends JSON, which is far quicker to read.
    if (type.endsWith('json') || text.startsWith('{')) return JSON.parse(text)
    if (type.endsWith('yaml')) return parseYaml(text)
  } catch (error) {
    throw refuse.badRequest(`error decoding request body: ${(error as Error).message}`)
  }
  throw refuse.unsupportedMediaType(type)
}

/**
 * The object in the body of a create, replace or apply, read by the kind's schema.
 * @throws {StatusError} 400 where the type, the kind or (with `fieldValidation=Strict`) a field is wrong
 */
export function readObject(api: Api, request: ResourceRequest, warnings: string[]): ApiObject {
  const raw = parseBody(request)
  if (!isObject(raw)) throw refuse.badRequest('the body is no object')
  return typed(api, request.type, raw, fieldValidationOf(request), warnings)
}

export function fieldValidationOf({ query }: Pick<ResourceRequest, 'query'>): FieldValidation {
  const asked = query.get('fieldValidation')
  return asked === 'Strict' || asked === 'Ignore' ? asked : 'Warn'
}

/** Untyped data as an object of its kind; see readObject. */
export function typed(
  api: Api,
  type: ServedType,
  raw: JsonObject,
  validation: FieldValidation,
  warnings: string[],
): ApiObject {
  const expected = versionOf(type)
  const { apiVersion = expected, kind = type.kind } = raw
  if (apiVersion !== expected) {
    throw refuse.badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    )
  }
  if (kind !== type.kind) {
    throw refuse.badRequest(
      `${kind} in version "${type.version}" cannot be handled as a ${type.kind}: no kind "${kind}" is registered for version "${expected}"`,
    )
  }
  const { value, unknownFields, mistyped } = decode(raw, api.registry.schemaOf(type))
  const cannot = `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}`
  const [wrong] = mistyped
  if (wrong) throw refuse.badRequest(`${cannot}: ${wrong.message}`)
  const unknown = unknownFields.map((path) => `unknown field "${path}"`)
  if (validation === 'Strict' && unknown.length > 0) {
    throw refuse.badRequest(`${cannot}: strict decoding error: ${unknown.join(', ')}`)
  }
  if (validation === 'Warn') warnings.push(...unknown)
  const { metadata = {}, ...rest } = value as JsonObject
  return { ...rest, apiVersion: expected, kind: type.kind, metadata: metadata as ApiObject['metadata'] }
}
