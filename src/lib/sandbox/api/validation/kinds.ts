import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js'
import type { Job } from 'kubernetes-types/batch/v1.js'
import type { ConfigMap, Pod, Secret, Service } from 'kubernetes-types/core/v1.js'
import type { Ingress } from 'kubernetes-types/networking/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import { type ApiObject, at, equal } from '../../json.ts'
import type { ServedType } from '../resources.ts'
import { matchesSelector } from '../selectors.ts'
import type { Cause } from '../status.ts'
import { duplicate, forbidden, invalid, notSupported, required } from './causes.ts'
import { PORT_TEXT, validatePodSpec, validateTemplate, validPort } from './pod.ts'

type Validator = (object: ApiObject) => Cause[]

// biome-ignore lint/suspicious/noExplicitAny: each function takes its own kind, and the kind is the key.
const validators: Record<string, (object: any) => Cause[]> = {
  Pod: ({ spec }: Pod) => (spec ? validatePodSpec(spec, 'spec') : [required('spec')]),
  Deployment: validateDeployment,
  ReplicaSet: validateReplicated,
  Job: validateJob,
  Service: validateService,
  ConfigMap: ({ data = {}, binaryData = {} }: ConfigMap) => validateKeys('data', { ...data, ...binaryData }),
  Secret: validateSecret,
  HorizontalPodAutoscaler: validateAutoscaler,
  PodDisruptionBudget: validateBudget,
  Ingress: validateIngress,
}

export function validatorOf(type: ServedType): Validator {
  return validators[type.kind] ?? (() => [])
}

/** Fields that can never change once set. */
const IMMUTABLE: Record<string, string[]> = {
  Deployment: ['spec.selector'],
  ReplicaSet: ['spec.selector'],
  Job: ['spec.template', 'spec.selector', 'spec.completionMode'],
  Secret: ['type'],
  RoleBinding: ['roleRef'],
  ClusterRoleBinding: ['roleRef'],
}

export function immutableFields(type: ServedType, object: ApiObject, before: ApiObject): Cause[] {
  const changed = (IMMUTABLE[type.kind] ?? []).filter((path) => !equal(at(object, path), at(before, path)))
  const causes = changed.map((path) => invalid(path, at(object, path), 'field is immutable'))
  if (before.immutable === true && !equal([object.data, object.immutable], [before.data, true])) {
    causes.push(forbidden('data', 'field is immutable when `immutable` is set'))
  }
  const address = at(before, 'spec.clusterIP')
  if (type.kind === 'Service' && address && at(object, 'spec.clusterIP') !== address) {
    causes.push(invalid('spec.clusterIPs[0]', at(object, 'spec.clusterIPs'), 'may not change once set'))
  }
  return causes
}

function validateReplicated({ spec }: Deployment | ReplicaSet): Cause[] {
  if (!spec) return [required('spec')]
  const { selector, template, replicas = 0 } = spec
  const causes = template ? validateTemplate(template, 'spec.template') : [required('spec.template')]
  if (replicas < 0) causes.push(invalid('spec.replicas', replicas, 'must be greater than or equal to 0'))
  const labels = template?.metadata?.labels
  if (Object.keys(selector).length === 0) {
    causes.push(invalid('spec.selector', selector, 'empty selector is invalid for deployment'))
  } else if (!matchesSelector(selector, labels)) {
    const detail = '`selector` does not match template `labels`'
    causes.push(invalid('spec.template.metadata.labels', labels, detail))
  }
  if (template?.spec?.restartPolicy !== 'Always') {
    const field = 'spec.template.spec.restartPolicy'
    causes.push(notSupported(field, template?.spec?.restartPolicy, ['Always']))
  }
  return causes
}

function validateDeployment(deployment: Deployment): Cause[] {
  const causes = validateReplicated(deployment)
  const { strategy, minReadySeconds = 0, progressDeadlineSeconds = 600 } = deployment.spec ?? {}
  const { maxSurge, maxUnavailable } = strategy?.rollingUpdate ?? {}
  if (isZero(maxSurge) && isZero(maxUnavailable)) {
    causes.push(
      invalid(
        'spec.strategy.rollingUpdate.maxUnavailable',
        maxUnavailable,
        'may not be 0 when `maxSurge` is 0',
      ),
    )
  }
  if (strategy?.type === 'Recreate' && strategy.rollingUpdate) {
    causes.push(
      forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"),
    )
  }
  if (progressDeadlineSeconds <= minReadySeconds) {
    const detail = 'must be greater than minReadySeconds'
    causes.push(invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, detail))
  }
  return causes
}

function isZero(value: number | string | undefined): boolean {
  return value === 0 || value === '0' || value === '0%'
}

function validateJob({ spec }: Job): Cause[] {
  if (!spec) return [required('spec')]
  const causes = validateTemplate(spec.template, 'spec.template')
  const policy = spec.template.spec?.restartPolicy
  if (policy === 'Always') {
    const field = 'spec.template.spec.restartPolicy'
    causes.push(notSupported(field, policy, ['OnFailure', 'Never']))
  }
  return causes
}

function validateService({ spec }: Service): Cause[] {
  const { ports = [], clusterIP, type } = spec ?? {}
  if (ports.length === 0 && clusterIP !== 'None' && type !== 'ExternalName') return [required('spec.ports')]
  return ports.flatMap((port, index) => {
    const field = `spec.ports[${index}]`
    const causes: Cause[] = []
    if (!port.name && ports.length > 1) causes.push(required(`${field}.name`))
    if (port.name && ports.findIndex(({ name }) => name === port.name) < index) {
      causes.push(duplicate(`${field}.name`, port.name))
    }
    if (!validPort(port.port)) causes.push(invalid(`${field}.port`, port.port, PORT_TEXT))
    return causes
  })
}

const KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

function validateKeys(field: string, data: Record<string, unknown>): Cause[] {
  return Object.keys(data).flatMap((key) =>
    /^[-._a-zA-Z0-9]+$/.test(key) ? [] : [invalid(`${field}[${key}]`, key, KEY_TEXT)],
  )
}

function validateSecret({ data = {} }: Secret): Cause[] {
  return validateKeys('data', data)
}

function validateAutoscaler({ spec }: HorizontalPodAutoscaler): Cause[] {
  if (!spec) return [required('spec')]
  const { minReplicas = 1, maxReplicas } = spec
  if (maxReplicas < 1) return [invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0')]
  if (minReplicas < 1) {
    return [invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')]
  }
  if (maxReplicas >= minReplicas) return []
  const detail = 'must be greater than or equal to `minReplicas`'
  return [invalid('spec.maxReplicas', maxReplicas, detail)]
}

function validateBudget({ spec }: PodDisruptionBudget): Cause[] {
  if (spec?.minAvailable === undefined || spec.maxUnavailable === undefined) return []
  return [invalid('spec', {}, 'minAvailable and maxUnavailable cannot be both set')]
}

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']

function validateIngress({ spec }: Ingress): Cause[] {
  const { rules = [], defaultBackend } = spec ?? {}
  if (rules.length === 0 && !defaultBackend) {
    return [invalid('spec', {}, 'either `defaultBackend` or `rules` must be specified')]
  }
  return rules.flatMap(({ http }, rule) =>
    (http?.paths ?? []).flatMap(({ path = '', pathType }, index) => {
      const field = `spec.rules[${rule}].http.paths[${index}]`
      if (!PATH_TYPES.includes(pathType)) return [notSupported(`${field}.pathType`, pathType, PATH_TYPES)]
      if (pathType === 'ImplementationSpecific' || path.startsWith('/')) return []
      return [invalid(`${field}.path`, path, 'must be an absolute path')]
    }),
  )
}
