import type { ApiObject } from '../../json.ts'
import type { ServedType } from '../resources.ts'
import type { Cause } from '../status.ts'
import { invalid, required } from './causes.ts'

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

const SUBDOMAIN_TEXT = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`
const LABEL_TEXT = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`
const LABEL_1035_TEXT = `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`
const LABEL_VALUE_TEXT = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`

/** Kinds whose names are single labels; those of rbac may hold almost anything. */
const LABEL_KINDS = new Set(['Namespace'])

export function validateMetadata(type: ServedType, { metadata }: ApiObject): Cause[] {
  const { name = '', labels = {}, annotations = {} } = metadata
  if (name === '') return [required('metadata.name', 'name or generateName is required')]
  return [
    ...validateName(type, name),
    ...Object.entries(labels).flatMap(([key, value]) => validateLabel('metadata.labels', key, value)),
    ...Object.keys(annotations).flatMap((key) => validateKey('metadata.annotations', key)),
  ]
}

function validateName(type: ServedType, name: string): Cause[] {
  if (type.group === 'rbac.authorization.k8s.io') return []
  const [pattern, detail, limit] =
    type.kind === 'Service'
      ? ([LABEL_1035, LABEL_1035_TEXT, 63] as const)
      : LABEL_KINDS.has(type.kind)
        ? ([LABEL, LABEL_TEXT, 63] as const)
        : ([SUBDOMAIN, SUBDOMAIN_TEXT, 253] as const)
  const causes = pattern.test(name) ? [] : [invalid('metadata.name', name, detail)]
  if (name.length > limit) {
    causes.push(invalid('metadata.name', name, `must be no more than ${limit} characters`))
  }
  return causes
}

export function validateLabel(field: string, key: string, value: string): Cause[] {
  const causes = validateKey(field, key)
  if (value !== '' && !QUALIFIED.test(value)) causes.push(invalid(field, value, LABEL_VALUE_TEXT))
  if (value.length > 63) causes.push(invalid(field, value, 'must be no more than 63 characters'))
  return causes
}

function validateKey(field: string, key: string): Cause[] {
  const slash = key.indexOf('/')
  const prefix = slash < 0 ? undefined : key.slice(0, slash)
  const name = key.slice(slash + 1)
  const isGood = QUALIFIED.test(name) && name.length <= 63 && (prefix === undefined || SUBDOMAIN.test(prefix))
  if (isGood) return []
  return [
    invalid(
      field,
      key,
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ),
  ]
}

/** RFC 1123 labels, as containers, volumes and ports are named. */
export function validateDnsLabel(field: string, name: string): Cause[] {
  return LABEL.test(name) && name.length <= 63 ? [] : [invalid(field, name, LABEL_TEXT)]
}
