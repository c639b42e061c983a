import { containersOf, type Kubernetes, ofKind, type Workload, workloads } from '../objects.ts'
import type { Release } from '../render.ts'

/** Every name that an object mentions belongs to an object of the same release. */
export function references({ objects }: Release): string[] {
  const names = {
    ConfigMap: namesOf(objects, 'ConfigMap'),
    ServiceAccount: namesOf(objects, 'ServiceAccount'),
    Deployment: namesOf(objects, 'Deployment'),
    Secret: ofKind(objects, 'ExternalSecret').map(({ spec }) => spec?.target?.name),
  }
  const mentioned = [
    ...workloads(objects).flatMap(mentionedBy),
    ...ofKind(objects, 'HorizontalPodAutoscaler').map(({ spec }) => ({
      kind: 'Deployment' as const,
      name: spec?.scaleTargetRef.name,
      by: 'HorizontalPodAutoscaler',
    })),
  ]
  return mentioned
    .filter(({ kind, name }) => !names[kind].includes(name))
    .map(({ kind, name, by }) => `${by}: there is no ${kind}/${name}`)
}

function namesOf(objects: readonly Kubernetes[], kind: 'ConfigMap' | 'ServiceAccount' | 'Deployment') {
  return ofKind(objects, kind).map(({ metadata }) => metadata?.name)
}

interface Mention {
  kind: 'ConfigMap' | 'Secret' | 'ServiceAccount' | 'Deployment'
  name: string | undefined
  by: string
}

function mentionedBy({ name: by, spec }: Workload): Mention[] {
  const containers = containersOf(spec)
  const sources = containers.flatMap(({ envFrom = [] }) => envFrom)
  const variables = containers.flatMap(({ env = [] }) => env)
  const mentions: Omit<Mention, 'by'>[] = [
    { kind: 'ServiceAccount', name: spec.serviceAccountName },
    ...sources.map(({ configMapRef }) => ({ kind: 'ConfigMap' as const, name: configMapRef?.name })),
    ...sources.map(({ secretRef }) => ({ kind: 'Secret' as const, name: secretRef?.name })),
    ...variables.map(({ valueFrom }) => ({ kind: 'Secret' as const, name: valueFrom?.secretKeyRef?.name })),
    ...(spec.volumes ?? []).map(({ secret }) => ({ kind: 'Secret' as const, name: secret?.secretName })),
    ...(spec.volumes ?? []).map(({ configMap }) => ({ kind: 'ConfigMap' as const, name: configMap?.name })),
  ]
  return mentions.filter(({ name }) => name !== undefined).map((mention) => ({ ...mention, by }))
}

/** Probes, Services and Ingresses meet the container at a port that it has, each by its name. */
export function ports({ objects }: Release): string[] {
  const container = workloads(objects).flatMap(({ spec }) =>
    containersOf(spec).flatMap((each) => each.ports ?? []),
  )
  const opened = container.map(({ name }) => name)
  const served = ofKind(objects, 'Service').flatMap(({ spec }) => spec?.ports ?? [])
  const probed = workloads(objects).flatMap(({ spec }) =>
    containersOf(spec).flatMap((each) => [each.startupProbe, each.livenessProbe, each.readinessProbe]),
  )
  return [
    ...probed
      .filter((probe) => probe?.httpGet && !opened.includes(String(probe.httpGet.port)))
      .map((probe) => `probe ${probe?.httpGet?.path}: the container has no port ${probe?.httpGet?.port}`),
    ...served
      .filter(({ targetPort }) => !opened.includes(String(targetPort)))
      .map(({ name, targetPort }) => `Service port ${name}: the container has no port ${targetPort}`),
    // The AWS VPC CNI enforces network policies only where Service and container use the same number
    ...served
      .filter(
        ({ port, targetPort }) =>
          !container.some((each) => each.name === targetPort && each.containerPort === port),
      )
      .map(({ name, port }) => `Service port ${name}: ${port} is not the container's number`),
  ]
}

/** Volumes that are mounted exist. */
export function mounts({ objects }: Release): string[] {
  return workloads(objects).flatMap(({ name, spec }) => {
    const volumes = (spec.volumes ?? []).map((volume) => volume.name)
    return containersOf(spec)
      .flatMap(({ volumeMounts = [] }) => volumeMounts)
      .filter((mount) => !volumes.includes(mount.name))
      .map((mount) => `${name}: there is no volume ${mount.name}`)
  })
}
