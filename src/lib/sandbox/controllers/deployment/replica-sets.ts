import { createHash } from 'node:crypto'
import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import { safeEncode } from '../../api/names.ts'
import { equal } from '../../json.ts'

export const REVISION = 'deployment.kubernetes.io/revision'
export const DESIRED = 'deployment.kubernetes.io/desired-replicas'
export const MAX = 'deployment.kubernetes.io/max-replicas'
const HASH = 'pod-template-hash'

/** Annotations of a Deployment that its ReplicaSets do not take over. */
const OWN = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  'deployment.kubernetes.io/revision-history',
  DESIRED,
  MAX,
])

/** Ten characters that stand for a pod template, as in the names of ReplicaSets. */
export function templateHash(template: PodTemplateSpec, collisions = 0): string {
  const text = JSON.stringify(template) + (collisions === 0 ? '' : collisions)
  const number = createHash('sha256').update(text).digest().readUInt32BE(0)
  return safeEncode(String(number).padStart(10, '0'))
}

/** The ReplicaSet that runs the Deployment's current template; of several the oldest. */
export function findNew(deployment: Deployment, owned: ReplicaSet[]): ReplicaSet | undefined {
  const wanted = withoutHash(deployment.spec?.template)
  return owned
    .filter(({ spec }) => equal(withoutHash(spec?.template), wanted))
    .sort((a, b) => creationOf(a) - creationOf(b))[0]
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [HASH]: _, ...labels } = template?.metadata?.labels ?? {}
  return { ...template, metadata: { ...template?.metadata, labels } }
}

export function creationOf({ metadata }: ReplicaSet): number {
  return Date.parse(metadata?.creationTimestamp ?? '') || 0
}

export function revisionOf({ metadata }: Pick<ReplicaSet, 'metadata'>): number {
  return Number(metadata?.annotations?.[REVISION] ?? 0)
}

/** A new ReplicaSet for the Deployment's template, yet without pods. */
export function draftReplicaSet(
  deployment: Deployment,
  revision: number,
  replicas: number,
  maxReplicas: number,
): ReplicaSet {
  const { metadata, spec } = deployment
  if (!spec) throw new Error(`Deployment ${metadata?.name} has no spec`)
  const hash = templateHash(spec.template, deployment.status?.collisionCount ?? 0)
  const labels = { ...spec.template.metadata?.labels, [HASH]: hash }
  return {
    metadata: {
      name: `${metadata?.name}-${hash}`,
      namespace: metadata?.namespace,
      labels,
      annotations: {
        ...inherited(deployment),
        [REVISION]: String(revision),
        [DESIRED]: String(spec.replicas ?? 0),
        [MAX]: String(maxReplicas),
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: metadata?.name ?? '',
          uid: metadata?.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds ? { minReadySeconds: spec.minReadySeconds } : {}),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  }
}

export function inherited({ metadata }: Deployment): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata?.annotations ?? {}).filter(([key]) => !OWN.has(key)))
}
