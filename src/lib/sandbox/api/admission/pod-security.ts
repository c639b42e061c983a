import type { Container, PodSpec, SecurityContext } from 'kubernetes-types/core/v1.js'

const VOLUME_TYPES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

/**
 * The Pod Security Standard `restricted`, with what it takes over from `baseline`. Order and wording are those of
 * k8s.io/pod-security-admission/policy.
 * @returns one text per violated check; none when the pod may run
 */
export function checkRestricted(spec: PodSpec): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  return [
    hostNamespaces(spec),
    hostPorts(containers),
    privileged(containers),
    allowPrivilegeEscalation(containers),
    capabilities(containers),
    restrictedVolumes(spec),
    runAsNonRoot(spec, containers),
    runAsUser(spec, containers),
    seccompProfile(spec, containers),
  ].filter((violation) => violation !== undefined)
}

function named(containers: Container[]): string {
  return `container${containers.length === 1 ? '' : 's'} ${quoted(containers.map(({ name }) => name))}`
}

function quoted(values: Iterable<string>): string {
  return [...values].map((value) => `"${value}"`).join(', ')
}

function hostNamespaces({ hostNetwork, hostPID, hostIPC }: PodSpec): string | undefined {
  const used = Object.entries({ hostNetwork, hostPID, hostIPC }).filter(([, value]) => value)
  if (used.length === 0) return undefined
  return `host namespaces (${used.map(([field]) => `${field}=true`).join(', ')})`
}

function hostPorts(containers: Container[]): string | undefined {
  const bad = containers.filter(({ ports = [] }) => ports.some(({ hostPort }) => hostPort))
  if (bad.length === 0) return undefined
  const ports = bad.flatMap(({ ports: all = [] }) => all.flatMap(({ hostPort }) => hostPort ?? []))
  return `hostPort (${named(bad)} uses hostPort${ports.length === 1 ? '' : 's'} ${ports.join(', ')})`
}

function privileged(containers: Container[]): string | undefined {
  const bad = containers.filter(({ securityContext }) => securityContext?.privileged)
  return bad.length === 0
    ? undefined
    : `privileged (${named(bad)} must not set securityContext.privileged=true)`
}

function allowPrivilegeEscalation(containers: Container[]): string | undefined {
  const bad = containers.filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (bad.length === 0) return undefined
  return `allowPrivilegeEscalation != false (${named(bad)} must set securityContext.allowPrivilegeEscalation=false)`
}

function capabilities(containers: Container[]): string | undefined {
  const keeping = containers.filter(
    ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'),
  )
  const added = ({ securityContext }: Container) =>
    (securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE')
  const adding = containers.filter((container) => added(container).length > 0)
  const details: string[] = []
  if (keeping.length > 0) {
    details.push(`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`)
  }
  if (adding.length > 0) {
    const all = [...new Set(adding.flatMap(added))].sort()
    details.push(`${named(adding)} must not include ${quoted(all)} in securityContext.capabilities.add`)
  }
  return details.length === 0 ? undefined : `unrestricted capabilities (${details.join('; ')})`
}

function restrictedVolumes({ volumes = [] }: PodSpec): string | undefined {
  const bad = volumes.filter((volume) => !VOLUME_TYPES.some((type) => type in volume))
  if (bad.length === 0) return undefined
  const types = new Set(bad.flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name')))
  const subject = `volume${bad.length === 1 ? '' : 's'} ${quoted(bad.map(({ name }) => name))}`
  const verb = bad.length === 1 ? 'uses' : 'use'
  return `restricted volume types (${subject} ${verb} restricted volume type${types.size === 1 ? '' : 's'} ${quoted([...types].sort())})`
}

/** Pod and containers that set a field badly, or else containers for which nobody sets it. */
function setters<T>(
  spec: PodSpec,
  containers: Container[],
  read: (context: Pick<SecurityContext, 'runAsNonRoot' | 'seccompProfile'>) => T | undefined,
  isGood: (value: T) => boolean,
): { bad: string[]; missing: Container[] } {
  const podValue = read(spec.securityContext ?? {})
  const containerValue = ({ securityContext }: Container) => read(securityContext ?? {})
  const wrong = containers.filter((container) => {
    const value = containerValue(container)
    return value !== undefined && !isGood(value)
  })
  const podIsGood = podValue !== undefined && isGood(podValue)
  return {
    bad: [
      ...(podValue !== undefined && !podIsGood ? ['pod'] : []),
      ...(wrong.length > 0 ? [named(wrong)] : []),
    ],
    missing: podIsGood ? [] : containers.filter((container) => containerValue(container) === undefined),
  }
}

function runAsNonRoot(spec: PodSpec, containers: Container[]): string | undefined {
  const { bad, missing } = setters(
    spec,
    containers,
    (context) => context.runAsNonRoot,
    (value) => value,
  )
  const reason = 'runAsNonRoot != true'
  if (bad.length > 0)
    return `${reason} (${bad.join(' and ')} must not set securityContext.runAsNonRoot=false)`
  if (missing.length === 0) return undefined
  return `${reason} (pod or ${named(missing)} must set securityContext.runAsNonRoot=true)`
}

function runAsUser(spec: PodSpec, containers: Container[]): string | undefined {
  const rooted = containers.filter(({ securityContext }) => securityContext?.runAsUser === 0)
  const bad = [
    ...(spec.securityContext?.runAsUser === 0 ? ['pod'] : []),
    ...(rooted.length > 0 ? [named(rooted)] : []),
  ]
  return bad.length === 0 ? undefined : `runAsUser=0 (${bad.join(' and ')} must not set runAsUser=0)`
}

function seccompProfile(spec: PodSpec, containers: Container[]): string | undefined {
  const isGood = (type: string) => type === 'RuntimeDefault' || type === 'Localhost'
  const { bad, missing } = setters(spec, containers, (context) => context.seccompProfile?.type, isGood)
  if (bad.length > 0) {
    return `seccompProfile (${bad.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined")`
  }
  if (missing.length === 0) return undefined
  return `seccompProfile (pod or ${named(missing)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
}
