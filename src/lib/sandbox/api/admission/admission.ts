import type { Namespace, Pod, PodSpec } from 'kubernetes-types/core/v1.js'
import { type ApiObject, at } from '../../json.ts'
import type { Api } from '../request.ts'
import type { ServedType } from '../resources.ts'
import { refuse, StatusError } from '../status.ts'
import { checkRestricted } from './pod-security.ts'
import { checkQuotas } from './quota.ts'
import { admitServiceAccount } from './service-account.ts'

/**
 * What a real server's admission plugins do to a write: NamespaceLifecycle, ServiceAccount, DefaultTolerationSeconds,
 * Priority, PodSecurity and ResourceQuota.
 * @param before undefined for a create
 * @throws {StatusError} 403 or 404
 */
export function admit(
  api: Api,
  type: ServedType,
  object: ApiObject,
  warnings: string[],
  before?: ApiObject,
): void {
  const { namespace = '', name = '' } = object.metadata
  if (!type.namespaced) return
  const home = before ? undefined : openNamespace(api, type, namespace, name)
  if (type.kind === 'Pod') {
    const pod = object as unknown as Pod
    if (home) {
      admitServiceAccount(api, pod)
      admitScheduling(pod)
      enforcePodSecurity(type, home, pod)
    }
    checkQuotas(api, type, object, before)
    return
  }
  const template = at(object, 'spec.template.spec') as PodSpec | undefined
  if (template && type.group !== '') warnPodSecurity(api, namespace, template, warnings)
  if (!before) checkQuotas(api, type, object, before)
}

function openNamespace({ store }: Api, type: ServedType, namespace: string, name: string): Namespace {
  const entry = store.get('namespaces', '', namespace)
  if (!entry) throw refuse.notFound({ group: '', plural: 'namespaces' }, namespace)
  if (entry.object.metadata.deletionTimestamp) {
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`
    const error = refuse.forbidden(type, name, why)
    throw new StatusError(403, 'Forbidden', error.message, {
      ...error.details,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    })
  }
  return entry.object as unknown as Namespace
}

function admitScheduling({ spec }: Pod): void {
  if (!spec) return
  spec.priority ??= 0
  spec.preemptionPolicy ??= 'PreemptLowerPriority'
  const tolerations = spec.tolerations ?? []
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    if (tolerations.some((toleration) => toleration.key === key)) continue
    tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })
  }
  spec.tolerations = tolerations
}

function policyOf(namespace: Namespace, mode: 'enforce' | 'warn'): string | undefined {
  const labels = namespace.metadata?.labels ?? {}
  if (labels[`pod-security.kubernetes.io/${mode}`] !== 'restricted') return undefined
  return `restricted:${labels[`pod-security.kubernetes.io/${mode}-version`] ?? 'latest'}`
}

/** Of the levels, `restricted` is the one that the platform uses; the others are not enforced here. */
function enforcePodSecurity(type: ServedType, namespace: Namespace, { metadata, spec }: Pod): void {
  const policy = policyOf(namespace, 'enforce')
  const violations = policy && spec ? checkRestricted(spec) : []
  if (violations.length === 0) return
  throw refuse.forbidden(
    type,
    metadata?.name ?? '',
    `violates PodSecurity "${policy}": ${violations.join(', ')}`,
  )
}

function warnPodSecurity({ store }: Api, namespace: string, spec: PodSpec, warnings: string[]): void {
  const home = store.get('namespaces', '', namespace)
  const policy = home && policyOf(home.object as unknown as Namespace, 'warn')
  const violations = policy ? checkRestricted(spec) : []
  if (violations.length > 0) {
    warnings.push(`would violate PodSecurity "${policy}": ${violations.join(', ')}`)
  }
}
