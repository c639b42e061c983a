import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js'
import type { CronJob, Job } from 'kubernetes-types/batch/v1.js'
import type { Writable } from '../../json.ts'
import { defaultTemplate } from './pod.ts'

/** From pkg/apis/apps/v1/defaults.go. */
export function defaultDeployment({ spec }: Deployment): void {
  if (!spec) return
  defaultTemplate(spec.template)
  spec.replicas ??= 1
  spec.strategy ??= {}
  spec.strategy.type ??= 'RollingUpdate'
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {}
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
    spec.strategy.rollingUpdate.maxSurge ??= '25%'
  }
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
}

export function defaultReplicaSet(replicaSet: Writable<ReplicaSet>): void {
  if (!replicaSet.spec) return
  replicaSet.spec.replicas ??= 1
  if (replicaSet.spec.template) defaultTemplate(replicaSet.spec.template)
  replicaSet.status ??= { replicas: 0 }
}

export function defaultSet({ spec }: StatefulSet | DaemonSet): void {
  if (!spec) return
  defaultTemplate(spec.template)
  if ('serviceName' in spec) spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
}

/** From pkg/apis/batch/v1/defaults.go. */
export function defaultJob({ spec }: Job): void {
  if (!spec) return
  defaultTemplate(spec.template)
  if (spec.parallelism === undefined) spec.completions ??= 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= 6
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
}

/** A Job's pods are found by labels with its uid, which the server adds (registry/batch/job/strategy.go). */
export function allocateJob({ metadata, spec }: Job): void {
  if (!spec || spec.manualSelector) return
  const uid = metadata?.uid ?? ''
  const name = metadata?.name ?? ''
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  }
  spec.selector ??= { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } }
  spec.template.metadata = {
    ...spec.template.metadata,
    labels: { ...labels, ...spec.template.metadata?.labels },
  }
}

export function defaultCronJob({ spec }: CronJob): void {
  if (!spec) return
  if (spec.jobTemplate.spec) defaultTemplate(spec.jobTemplate.spec.template)
  spec.concurrencyPolicy ??= 'Allow'
  spec.suspend ??= false
  spec.successfulJobsHistoryLimit ??= 3
  spec.failedJobsHistoryLimit ??= 1
}

const SCALE_UP_POLICIES = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
]
const SCALE_DOWN_POLICIES = [{ type: 'Percent', value: 100, periodSeconds: 15 }]

/** From pkg/apis/autoscaling/v2/defaults.go. */
export function defaultAutoscaler(autoscaler: Writable<HorizontalPodAutoscaler>): void {
  const { spec } = autoscaler
  if (!spec) return
  spec.minReplicas ??= 1
  spec.metrics ??= [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
  ]
  if (spec.behavior) {
    const { scaleUp, scaleDown } = spec.behavior
    spec.behavior.scaleUp = {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: SCALE_UP_POLICIES,
      ...scaleUp,
    }
    spec.behavior.scaleDown = { selectPolicy: 'Max', policies: SCALE_DOWN_POLICIES, ...scaleDown }
  }
  autoscaler.status ??= { desiredReplicas: 0 } as HorizontalPodAutoscaler['status']
}
