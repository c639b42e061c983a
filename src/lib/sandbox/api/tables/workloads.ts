import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from 'kubernetes-types/autoscaling/v2.js'
import type { CronJob, Job } from 'kubernetes-types/batch/v1.js'
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import { selectorText } from '../selectors.ts'
import { age, columns, humanDuration, type Printer } from './printer.ts'

function names(template: PodTemplateSpec | undefined): string {
  return (template?.spec?.containers ?? []).map(({ name }) => name).join(',')
}

function images(template: PodTemplateSpec | undefined): string {
  return (template?.spec?.containers ?? []).map(({ image }) => image).join(',')
}

export const deploymentPrinter: Printer<Deployment> = {
  columns: columns(
    'Name',
    'Ready',
    '#Up-to-date',
    '#Available',
    'Age',
    '+Containers',
    '+Images',
    '+Selector',
  ),
  cells: ({ metadata, spec, status }) => [
    metadata?.name ?? '',
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    age(metadata?.creationTimestamp),
    names(spec?.template),
    images(spec?.template),
    selectorText(spec?.selector),
  ],
}

export const replicaSetPrinter: Printer<ReplicaSet> = {
  columns: columns('Name', '#Desired', '#Current', '#Ready', 'Age', '+Containers', '+Images', '+Selector'),
  cells: ({ metadata, spec, status }) => [
    metadata?.name ?? '',
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    age(metadata?.creationTimestamp),
    names(spec?.template),
    images(spec?.template),
    selectorText(spec?.selector),
  ],
}

export const statefulSetPrinter: Printer<StatefulSet> = {
  columns: columns('Name', 'Ready', 'Age', '+Containers', '+Images'),
  cells: ({ metadata, spec, status }) => [
    metadata?.name ?? '',
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    age(metadata?.creationTimestamp),
    names(spec?.template),
    images(spec?.template),
  ],
}

export const daemonSetPrinter: Printer<DaemonSet> = {
  columns: columns(
    'Name',
    '#Desired',
    '#Current',
    '#Ready',
    '#Up-to-date',
    '#Available',
    'Node Selector',
    'Age',
  ),
  cells: ({ metadata, status }) => [
    metadata?.name ?? '',
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    '<none>',
    age(metadata?.creationTimestamp),
  ],
}

export const jobPrinter: Printer<Job> = {
  columns: columns('Name', 'Status', 'Completions', 'Duration', 'Age', '+Containers', '+Images', '+Selector'),
  cells: ({ metadata, spec, status }) => {
    const { startTime, completionTime } = status ?? {}
    const end = completionTime ? Date.parse(completionTime) : Date.now()
    return [
      metadata?.name ?? '',
      jobStatus({ metadata, status }),
      `${status?.succeeded ?? 0}/${spec?.completions ?? spec?.parallelism ?? 1}`,
      startTime ? humanDuration(end - Date.parse(startTime)) : '',
      age(metadata?.creationTimestamp),
      names(spec?.template),
      images(spec?.template),
      selectorText(spec?.selector),
    ]
  },
}

function jobStatus({ metadata, status }: Pick<Job, 'metadata' | 'status'>): string {
  const has = (wanted: string) =>
    status?.conditions?.some(({ type, status: value }) => type === wanted && value === 'True')
  if (has('Complete')) return 'Complete'
  if (has('Failed')) return 'Failed'
  if (metadata?.deletionTimestamp) return 'Terminating'
  if (has('Suspended')) return 'Suspended'
  return has('FailureTarget') ? 'FailureTarget' : 'Running'
}

export const cronJobPrinter: Printer<CronJob> = {
  columns: columns('Name', 'Schedule', 'Timezone', 'Suspend', '#Active', 'Last Schedule', 'Age'),
  cells: ({ metadata, spec, status }) => [
    metadata?.name ?? '',
    spec?.schedule ?? '',
    spec?.timeZone ?? '<none>',
    spec?.suspend ? 'True' : 'False',
    status?.active?.length ?? 0,
    status?.lastScheduleTime ? age(status.lastScheduleTime) : '<none>',
    age(metadata?.creationTimestamp),
  ],
}

export const autoscalerPrinter: Printer<HorizontalPodAutoscaler> = {
  columns: columns('Name', 'Reference', 'Targets', '#MinPods', '#MaxPods', '#Replicas', 'Age'),
  cells: ({ metadata, spec, status }) => [
    metadata?.name ?? '',
    `${spec?.scaleTargetRef.kind}/${spec?.scaleTargetRef.name}`,
    targetsText(spec?.metrics ?? [], status?.currentMetrics ?? []),
    spec?.minReplicas ?? '<unset>',
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    age(metadata?.creationTimestamp),
  ],
}

/** Two targets are shown, the rest counted (formatHPAMetrics). */
function targetsText(specs: MetricSpec[], statuses: MetricStatus[]): string {
  if (specs.length === 0) return '<none>'
  const texts = specs.map(({ resource }, index) => {
    const { averageUtilization, averageValue } = resource?.target ?? {}
    const current = statuses[index]?.resource?.current
    if (averageUtilization === undefined)
      return `${current?.averageValue ?? '<unknown>'}/${averageValue ?? '<auto>'}`
    const now = current?.averageUtilization
    return `${resource?.name}: ${now === undefined ? '<unknown>' : `${now}%`}/${averageUtilization}%`
  })
  const shown = texts.slice(0, 2).join(', ')
  return texts.length > 2 ? `${shown} + ${texts.length - 2} more...` : shown
}

export const budgetPrinter: Printer<PodDisruptionBudget> = {
  columns: columns('Name', 'Min Available', 'Max Unavailable', '#Allowed Disruptions', 'Age'),
  cells: ({ metadata, spec, status }) => [
    metadata?.name ?? '',
    String(spec?.minAvailable ?? 'N/A'),
    String(spec?.maxUnavailable ?? 'N/A'),
    status?.disruptionsAllowed ?? 0,
    age(metadata?.creationTimestamp),
  ],
}
