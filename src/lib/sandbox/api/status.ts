import type { ResourceType } from '../../adapters/kubernetes/types.ts'
import { collectionOf } from './resources.ts'

export interface Cause {
  reason: string
  message: string
  field: string
}

/** A refusal, thrown anywhere below a request and answered as metav1.Status with `code` as the HTTP status. */
export class StatusError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: Record<string, unknown> | undefined

  constructor(code: number, reason: string, message: string, details?: Record<string, unknown>) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  /** metav1.Status. */
  toStatus(): Record<string, unknown> {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    }
  }
}

type Subject = Pick<ResourceType, 'group' | 'plural'>

function detailsOf(type: Subject, name: string, more: Record<string, unknown> = {}) {
  return { name, ...(type.group === '' ? {} : { group: type.group }), kind: type.plural, ...more }
}

/** The wording of these is that of k8s.io/apimachinery/pkg/api/errors, which clients match on. */
export const refuse = {
  notFound: (type: Subject, name: string) =>
    new StatusError(404, 'NotFound', `${collectionOf(type)} "${name}" not found`, detailsOf(type, name)),

  noSuchPath: () => new StatusError(404, 'NotFound', 'the server could not find the requested resource', {}),

  alreadyExists: (type: Subject, name: string) =>
    new StatusError(
      409,
      'AlreadyExists',
      `${collectionOf(type)} "${name}" already exists`,
      detailsOf(type, name),
    ),

  conflict: (type: Subject, name: string, why: string) =>
    new StatusError(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${collectionOf(type)} "${name}": ${why}`,
      detailsOf(type, name),
    ),

  modified: (type: Subject, name: string) =>
    refuse.conflict(
      type,
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    ),

  forbidden: (type: Subject, name: string, why: string) =>
    new StatusError(
      403,
      'Forbidden',
      `${collectionOf(type)} "${name}" is forbidden: ${why}`,
      detailsOf(type, name),
    ),

  invalid: (type: ResourceType, name: string, causes: Cause[]) =>
    new StatusError(422, 'Invalid', invalidMessage(type, name, causes), {
      name,
      ...(type.group === '' ? {} : { group: type.group }),
      kind: type.kind,
      causes,
    }),

  badRequest: (message: string) => new StatusError(400, 'BadRequest', message),

  methodNotAllowed: () =>
    new StatusError(
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
      {},
    ),

  unsupportedMediaType: (contentType: string) =>
    new StatusError(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf; got ${contentType}`,
    ),

  unauthorized: () => new StatusError(401, 'Unauthorized', 'Unauthorized'),

  expired: (requested: number, oldest: number) =>
    new StatusError(410, 'Expired', `too old resource version: ${requested} (${oldest})`),
}

function invalidMessage(type: ResourceType, name: string, causes: Cause[]): string {
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`
  const errors = causes.map(({ field, message }) => `${field}: ${message}`)
  const [only] = errors
  return `${kind} "${name}" is invalid: ${errors.length === 1 ? only : `[${errors.join(', ')}]`}`
}
