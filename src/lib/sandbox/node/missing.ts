import type { Container, Volume } from 'kubernetes-types/core/v1.js'
import type { Fault } from './faults.ts'
import type { PodStep } from './pod-step.ts'

interface Reference {
  kind: 'Secret' | 'ConfigMap'
  name?: string | undefined
  key?: string
  optional?: boolean | undefined
}

type Holder = Pick<PodStep, 'holds' | 'namespace'>

/** What keeps a container from being created, in the kubelet's words. */
export function missingConfig(pod: Holder, container: Container, fault: Fault | undefined) {
  if (fault === 'badconfig') return `secret "${container.name}-credentials" not found`
  const whole = (container.envFrom ?? []).flatMap(({ secretRef, configMapRef }): Reference[] => [
    { kind: 'Secret', ...secretRef },
    { kind: 'ConfigMap', ...configMapRef },
  ])
  const keys = (container.env ?? []).flatMap(({ valueFrom }): Reference[] => [
    { kind: 'Secret', ...valueFrom?.secretKeyRef },
    { kind: 'ConfigMap', ...valueFrom?.configMapKeyRef },
  ])
  return firstMissing(pod, [...whole, ...keys])
}

/** What keeps a volume from being mounted, in the kubelet's words. */
export function missingVolume(pod: Holder, { secret, configMap }: Volume): string | undefined {
  return firstMissing(pod, [
    { kind: 'Secret', name: secret?.secretName, optional: secret?.optional },
    { kind: 'ConfigMap', ...configMap },
  ])
}

function firstMissing(pod: Holder, references: Reference[]): string | undefined {
  for (const { kind, name, optional, key } of references) {
    if (name === undefined || optional || pod.holds(kind, name, key)) continue
    if (!pod.holds(kind, name)) return `${kind.toLowerCase()} "${name}" not found`
    return `couldn't find key ${key} in ${kind} ${pod.namespace}/${name}`
  }
  return undefined
}
