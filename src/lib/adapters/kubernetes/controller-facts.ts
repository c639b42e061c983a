import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js'
import type { Node, PersistentVolumeClaim, ResourceQuota } from 'kubernetes-types/core/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import type {
  AutoscalerFacts,
  BudgetFacts,
  ClaimFacts,
  Condition,
  ExternalSecretFacts,
  NodeFacts,
  QuotaFacts,
  WorkloadFacts,
} from '../../domain/diagnosis/facts.ts'
import { quantityValue } from '../../domain/quantity.ts'
import { deploymentFacts, identity, serviceOf, time } from './facts.ts'
import type { KubernetesObject } from './types.ts'

export function workloadFacts(deployment: Deployment): WorkloadFacts {
  const { metadata, spec } = deployment.spec?.template ?? {}
  const containers = spec?.containers ?? []
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const limits = containers.map(({ name, resources }) => {
    const { cpu, memory } = resources?.limits ?? {}
    const limit = {
      ...(cpu !== undefined && { cpu: quantityValue(cpu) }),
      ...(memory !== undefined && { memory: quantityValue(memory) }),
    }
    return [name, limit] as const
  })
  return {
    ...deploymentFacts(deployment),
    labels: metadata?.labels ?? {},
    ports: [...containers, ...sidecars].map(({ ports }) =>
      (ports ?? []).map(({ name, containerPort: number }) => ({ name, number })),
    ),
    limits: Object.fromEntries(limits),
  }
}

export function autoscalerFacts({ metadata, spec, status }: HorizontalPodAutoscaler): AutoscalerFacts {
  const current = (name: string) =>
    status?.currentMetrics?.find(({ resource }) => resource?.name === name)?.resource?.current
      .averageUtilization
  return {
    ...identity(metadata),
    service: serviceOf(metadata),
    target: spec?.scaleTargetRef.name ?? '',
    min: spec?.minReplicas ?? 1,
    max: spec?.maxReplicas ?? 0,
    current: status?.currentReplicas ?? 0,
    desired: status?.desiredReplicas ?? 0,
    metrics: (spec?.metrics ?? []).flatMap(({ resource }) =>
      resource
        ? [
            {
              name: resource.name,
              current: current(resource.name),
              target: resource.target.averageUtilization,
            },
          ]
        : [],
    ),
    conditions: conditionsOf(status?.conditions),
  }
}

export function budgetFacts({ metadata, status }: PodDisruptionBudget): BudgetFacts {
  return {
    ...identity(metadata),
    service: serviceOf(metadata),
    allowed: status?.disruptionsAllowed ?? 0,
    healthy: status?.currentHealthy ?? 0,
    required: status?.desiredHealthy ?? 0,
    expected: status?.expectedPods ?? 0,
  }
}

export function claimFacts({ metadata, status }: PersistentVolumeClaim): ClaimFacts {
  return {
    ...identity(metadata),
    phase: status?.phase ?? 'Pending',
    createdAt: time(metadata?.creationTimestamp),
  }
}

export function quotaFacts({ metadata, status }: ResourceQuota): QuotaFacts {
  const resources = Object.entries(status?.hard ?? {}).map(([name, hard]) => ({
    name,
    used: quantityValue(status?.used?.[name]),
    hard: quantityValue(hard),
  }))
  return { ...identity(metadata), resources }
}

export function nodeFacts({ metadata, spec, status }: Node): NodeFacts {
  const conditions = conditionsOf(status?.conditions)
  return {
    ...identity(metadata),
    ready: conditions.find(({ type }) => type === 'Ready')?.status === 'True',
    schedulable: !spec?.unschedulable,
    conditions,
    cpu: quantityValue(status?.allocatable?.cpu),
    memory: quantityValue(status?.allocatable?.memory),
    version: status?.nodeInfo?.kubeletVersion ?? '',
    createdAt: time(metadata?.creationTimestamp),
  }
}

type ExternalSecret = KubernetesObject & {
  spec?: { target?: { name?: string }; secretStoreRef?: { name?: string; kind?: string } }
  status?: { conditions?: RawCondition[] }
}

export function externalSecretFacts({ metadata, spec, status }: ExternalSecret): ExternalSecretFacts {
  return {
    ...identity(metadata),
    service: serviceOf(metadata),
    secret: spec?.target?.name ?? metadata?.name ?? '',
    createdAt: time(metadata?.creationTimestamp),
    store: spec?.secretStoreRef?.name,
    conditions: conditionsOf(status?.conditions),
  }
}

interface RawCondition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

function conditionsOf(conditions: RawCondition[] | undefined): Condition[] {
  return (conditions ?? []).map(({ type, status, reason = '', message = '', lastTransitionTime }) => ({
    type,
    status,
    reason,
    message,
    since: time(lastTransitionTime),
  }))
}
