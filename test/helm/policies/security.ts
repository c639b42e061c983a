import { ofKind, perContainer, workloads } from '../objects.ts'
import type { Release } from '../render.ts'

/**
 * The Pod Security Standard `restricted`, for each container of each pod.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export function restricted({ objects }: Release): string[] {
  return perContainer(objects, (container, pod) => {
    const own = container.securityContext
    const inherited = pod.securityContext
    return {
      'allowPrivilegeEscalation must be false': own?.allowPrivilegeEscalation !== false,
      'must drop ALL capabilities': own?.capabilities?.drop?.includes('ALL') !== true,
      'must add no capability': (own?.capabilities?.add ?? []).length > 0,
      'must run as non-root': (own?.runAsNonRoot ?? inherited?.runAsNonRoot) !== true,
      'must not run as user 0': (own?.runAsUser ?? inherited?.runAsUser) === 0,
      'seccomp profile must be RuntimeDefault':
        (own?.seccompProfile ?? inherited?.seccompProfile)?.type !== 'RuntimeDefault',
      'must not be privileged': own?.privileged === true,
      'must not use host ports': (container.ports ?? []).some(({ hostPort }) => hostPort !== undefined),
      'must not use namespaces of the host': Boolean(pod.hostNetwork || pod.hostPID || pod.hostIPC),
      'must not mount host paths': (pod.volumes ?? []).some(({ hostPath }) => hostPath !== undefined),
    }
  })
}

/** An intruder who cannot write has nowhere to put tools; /tmp is an emptyDir. */
export function readOnlyRoot({ objects }: Release): string[] {
  return perContainer(objects, ({ securityContext }) => ({
    'root file system must be read-only': securityContext?.readOnlyRootFilesystem !== true,
  }))
}

/** A numeric user, so that the kubelet can tell without the image that it is not root. */
export function numericUser({ objects }: Release): string[] {
  return perContainer(objects, (container, pod) => ({
    'must name a numeric user': !(container.securityContext?.runAsUser ?? pod.securityContext?.runAsUser),
  }))
}

/** The services never talk to the Kubernetes API. */
export function noApiToken({ objects }: Release): string[] {
  const accounts = ofKind(objects, 'ServiceAccount')
    .filter(({ automountServiceAccountToken }) => automountServiceAccountToken !== false)
    .map(({ metadata }) => `ServiceAccount/${metadata?.name}: mounts its token`)
  const pods = workloads(objects)
    .filter(({ spec }) => spec.automountServiceAccountToken !== false)
    .map(({ name }) => `${name}: mounts a token`)
  return [...accounts, ...pods]
}

/** The role that Terraform makes for this service in this environment, and no other. */
export function iamRole({ objects, service, environment }: Release): string[] {
  const wanted = new RegExp(`^arn:aws:iam::[0-9]{12}:role/emr-platform-${environment}-${service}$`)
  return ofKind(objects, 'ServiceAccount')
    .filter(({ metadata }) => !wanted.test(metadata?.annotations?.['eks.amazonaws.com/role-arn'] ?? ''))
    .map(({ metadata }) => `ServiceAccount/${metadata?.name}: role is not the service's own`)
}

const digest = /@sha256:[0-9a-f]{64}$/
const version = /:v?[0-9]+\.[0-9]+\.[0-9]+([-.][0-9A-Za-z.-]+)?$/
const commit = /:(sha-)?[0-9a-f]{7,40}$/
const moving = /(:(latest|stable|main|master|develop|edge|nightly)|\/[^:@]+)$/

/** What runs in production is named by digest, version or commit; nowhere by a name that moves. */
export function immutableImage({ objects, environment }: Release): string[] {
  return perContainer(objects, ({ image = '' }) => ({
    [`image ${image} moves`]: moving.test(image),
    [`image ${image} is no digest, version or commit`]:
      environment === 'production' && ![digest, version, commit].some((form) => form.test(image)),
  }))
}
