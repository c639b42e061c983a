import type { Container, EnvVar, PodSpec, PodTemplateSpec, Probe } from 'kubernetes-types/core/v1.js'
import { quantityValue } from '../../../domain/quantity.ts'
import { type ApiObject, equal } from '../../json.ts'
import type { Cause } from '../status.ts'
import { duplicate, forbidden, invalid, notFound, notSupported, required } from './causes.ts'
import { validateDnsLabel, validateLabel } from './metadata.ts'

export function validateTemplate(template: PodTemplateSpec, field: string): Cause[] {
  const labels = Object.entries(template.metadata?.labels ?? {})
  return [
    ...labels.flatMap(([key, value]) => validateLabel(`${field}.metadata.labels`, key, value)),
    ...(template.spec ? validatePodSpec(template.spec, `${field}.spec`) : [required(`${field}.spec`)]),
  ]
}

export function validatePodSpec(spec: PodSpec, field: string): Cause[] {
  const volumes = (spec.volumes ?? []).map(({ name }) => name)
  const containers = spec.containers ?? []
  const causes: Cause[] = []
  if (containers.length === 0) causes.push(required(`${field}.containers`))
  const groups = { initContainers: spec.initContainers ?? [], containers }
  const seen = new Set<string>()
  for (const [group, list] of Object.entries(groups)) {
    for (const [index, container] of list.entries()) {
      const at = `${field}.${group}[${index}]`
      causes.push(...validateContainer(container, at, volumes))
      if (seen.has(container.name)) causes.push(duplicate(`${at}.name`, container.name))
      seen.add(container.name)
    }
  }
  for (const [index, name] of volumes.entries()) {
    if (volumes.indexOf(name) !== index) causes.push(duplicate(`${field}.volumes[${index}].name`, name))
  }
  const policies = ['Always', 'OnFailure', 'Never']
  if (!policies.includes(spec.restartPolicy ?? '')) {
    causes.push(notSupported(`${field}.restartPolicy`, spec.restartPolicy, policies))
  }
  return causes
}

function validateContainer(container: Container, field: string, volumes: string[]): Cause[] {
  const { name, image, env = [], ports = [], volumeMounts = [] } = container
  return [
    ...validateDnsLabel(`${field}.name`, name),
    ...(image ? [] : [required(`${field}.image`)]),
    ...env.flatMap((variable, index) => validateEnv(variable, `${field}.env[${index}]`)),
    ...ports.flatMap(({ containerPort }, index) =>
      validPort(containerPort)
        ? []
        : [invalid(`${field}.ports[${index}].containerPort`, containerPort, PORT_TEXT)],
    ),
    ...volumeMounts.flatMap((mount, index) =>
      volumes.includes(mount.name) ? [] : [notFound(`${field}.volumeMounts[${index}].name`, mount.name)],
    ),
    ...validateResources(container, field),
    ...validateProbe(container.livenessProbe, `${field}.livenessProbe`),
    ...validateProbe(container.readinessProbe, `${field}.readinessProbe`),
    ...validateProbe(container.startupProbe, `${field}.startupProbe`),
  ]
}

export const PORT_TEXT = 'must be between 1 and 65535, inclusive'

export function validPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}

function validateEnv({ name, value, valueFrom }: EnvVar, field: string): Cause[] {
  if (!name) return [required(`${field}.name`)]
  if (value && valueFrom) {
    return [invalid(`${field}.valueFrom`, '', 'may not be specified when `value` is not empty')]
  }
  return []
}

function validateResources({ resources }: Container, field: string): Cause[] {
  const { requests = {}, limits = {} } = resources ?? {}
  return Object.entries(requests).flatMap(([name, request]) => {
    const limit = limits[name]
    if (limit === undefined || quantityValue(request) <= quantityValue(limit)) return []
    const detail = `must be less than or equal to ${name} limit of ${limit}`
    return [invalid(`${field}.resources.requests`, request, detail)]
  })
}

function validateProbe(probe: Probe | undefined, field: string): Cause[] {
  if (!probe) return []
  const handlers = [probe.httpGet, probe.exec, probe.tcpSocket, probe.grpc].filter(Boolean)
  if (handlers.length === 0) return [required(field, 'must specify a handler type')]
  if (handlers.length > 1) return [forbidden(field, 'may not specify more than 1 handler type')]
  const mustBeOne = !field.endsWith('readinessProbe') && (probe.successThreshold ?? 1) !== 1
  return mustBeOne ? [invalid(`${field}.successThreshold`, probe.successThreshold, 'must be 1')] : []
}

/** Of a running pod only the images, the deadline and added tolerations may change (ValidatePodUpdate). */
export function validatePodUpdate(object: ApiObject, before: ApiObject): Cause[] {
  const fixed = ({ spec }: ApiObject) => {
    const { containers, initContainers, ...rest } = spec as PodSpec
    const without = (list: Container[] = []) => list.map(({ image, ...container }) => container)
    return {
      ...rest,
      activeDeadlineSeconds: undefined,
      tolerations: undefined,
      terminationGracePeriodSeconds: undefined,
      containers: without(containers),
      initContainers: without(initContainers),
    }
  }
  if (equal(fixed(object), fixed(before))) return []
  return [
    forbidden(
      'spec',
      'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    ),
  ]
}
