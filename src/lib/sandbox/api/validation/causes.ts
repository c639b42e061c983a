import type { Cause } from '../status.ts'

/** The kinds of mistakes of k8s.io/apimachinery/pkg/util/validation/field, in its wording. */
export function required(field: string, detail?: string): Cause {
  const message = detail === undefined ? 'Required value' : `Required value: ${detail}`
  return { reason: 'FieldValueRequired', message, field }
}

export function invalid(field: string, value: unknown, detail: string): Cause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${text(value)}: ${detail}`, field }
}

export function duplicate(field: string, value: unknown): Cause {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${text(value)}`, field }
}

export function notFound(field: string, value: unknown): Cause {
  return { reason: 'FieldValueNotFound', message: `Not found: ${text(value)}`, field }
}

export function notSupported(field: string, value: unknown, supported: string[]): Cause {
  const list = supported.map((item) => JSON.stringify(item)).join(', ')
  const message = `Unsupported value: ${text(value)}: supported values: ${list}`
  return { reason: 'FieldValueNotSupported', message, field }
}

export function forbidden(field: string, detail: string): Cause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${detail}`, field }
}

/** Go prints structs in its own notation; JSON says the same and can be read. */
function text(value: unknown): string {
  return JSON.stringify(value)
}
