import type { LabelSelector } from 'kubernetes-types/meta/v1.js'
import { type ApiObject, at } from '../json.ts'
import { collectionOf, type ServedType } from './resources.ts'
import { refuse } from './status.ts'

type Labels = Record<string, string>
export type LabelMatch = (labels: Labels) => boolean

const SET = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/
const EQUALITY = /^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$/
const KEY = /^(!?)\s*([\w./-]+)$/

/** @throws {StatusError} 400 for a selector that cannot be read */
export function parseLabelSelector(text: string): LabelMatch {
  const requirements = splitOutsideParentheses(text).map(parseRequirement)
  return (labels) => requirements.every((requirement) => requirement(labels))
}

function splitOutsideParentheses(text: string): string[] {
  const parts = text.split(/,(?![^(]*\))/)
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

function parseRequirement(text: string): LabelMatch {
  const [, setKey, operator, list = ''] = SET.exec(text) ?? []
  if (setKey !== undefined) {
    const values = list.split(',').map((value) => value.trim())
    const wanted = operator === 'in'
    return (labels) => {
      const value = labels[setKey]
      return value === undefined ? !wanted : values.includes(value) === wanted
    }
  }
  const [, key, sign, value] = EQUALITY.exec(text) ?? []
  if (key !== undefined) return (labels) => (labels[key] === value) !== (sign === '!=')
  const [, not, name] = KEY.exec(text) ?? []
  if (name !== undefined) return (labels) => name in labels === (not === '')
  throw refuse.badRequest(`unable to parse requirement: found '${text}', expected: identifier`)
}

/** metav1.LabelSelector; an empty one matches everything, an absent one nothing. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (!selector) return false
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  const expressions = (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key]
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value)
      case 'NotIn':
        return value === undefined || !values.includes(value)
      case 'Exists':
        return value !== undefined
      default:
        return value === undefined
    }
  })
  return equal && expressions
}

/** metav1.LabelSelector as text, as `scale.status.selector` has it. */
export function selectorText(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key
    if (operator === 'DoesNotExist') return `!${key}`
    return `${key} ${operator.toLowerCase()} (${values.join(',')})`
  })
  return [...equal, ...expressions].join(',')
}

/** The fields beyond name and namespace that a collection can be selected by. */
const FIELDS: Record<string, string[]> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  events: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  secrets: ['type'],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  'replicasets.apps': ['status.replicas'],
  'jobs.batch': ['status.successful'],
}

/** @throws {StatusError} 400 for a field that the collection cannot be selected by */
export function parseFieldSelector(text: string, type: ServedType): (object: ApiObject) => boolean {
  const known = ['metadata.name', 'metadata.namespace', ...(FIELDS[collectionOf(type)] ?? [])]
  const terms = text
    .split(',')
    .filter((term) => term.trim() !== '')
    .map((term) => {
      const [, field = '', sign, value = ''] = /^([^!=]+)(==|=|!=)(.*)$/.exec(term.trim()) ?? []
      if (sign === undefined)
        throw refuse.badRequest(`invalid field selector '${term}': can't understand '${term}'`)
      if (!known.includes(field)) throw refuse.badRequest(`field label not supported: ${field}`)
      return { path: field === 'source' ? 'source.component' : field, negated: sign === '!=', value }
    })
  return (object) =>
    terms.every(({ path, negated, value }) => (String(at(object, path) ?? '') === value) !== negated)
}
