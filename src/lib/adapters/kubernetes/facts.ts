import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { Job } from 'kubernetes-types/batch/v1.js'
import type {
  ContainerStateTerminated,
  ContainerStatus,
  Event,
  Pod,
  PodTemplateSpec,
} from 'kubernetes-types/core/v1.js'
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js'
import { digest } from '../../digest.ts'
import { canonicalJson } from '../../domain/canonical-json.ts'
import { tagOf } from '../../domain/image.ts'
import type {
  ContainerFacts,
  DeploymentFacts,
  EventFacts,
  JobFacts,
  PodFacts,
  ReplicaSetFacts,
  Terminated,
} from '../../domain/rollout/facts.ts'
import { serviceContainer } from '../../domain/service-container.ts'

/** Where the Deployment controller counts revisions, on the Deployment and on its ReplicaSets. */
const REVISION = 'deployment.kubernetes.io/revision'

export function deploymentFacts({ metadata, spec, status }: Deployment): DeploymentFacts {
  const progressing = status?.conditions?.find(({ type }) => type === 'Progressing')
  const exceeded = progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded'
  return {
    ...identity(metadata),
    generation: metadata?.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    revision: metadata?.annotations?.[REVISION],
    service: serviceOf(metadata),
    version: tagOf(spec && serviceContainer(spec.template, serviceOf(metadata))?.image),
    createdAt: time(metadata?.creationTimestamp),
    template: templateDigest(spec?.template),
    paused: spec?.paused ?? false,
    minReadySeconds: spec?.minReadySeconds,
    progressDeadline: spec?.progressDeadlineSeconds,
    desired: spec?.replicas ?? 1,
    updated: status?.updatedReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
    total: status?.replicas ?? 0,
    wasComplete: progressing?.reason === 'NewReplicaSetAvailable',
    deadlineExceeded: exceeded ? (progressing.message ?? 'progress deadline exceeded') : undefined,
    deadlineExceededAt: exceeded ? time(progressing.lastUpdateTime) : undefined,
  }
}

/** Without the label that tells the ReplicaSets apart. */
function templateDigest(template: PodTemplateSpec | undefined): string {
  const { 'pod-template-hash': _, ...labels } = template?.metadata?.labels ?? {}
  return digest(canonicalJson({ ...template, metadata: { ...template?.metadata, labels } }))
}

export function replicaSetFacts({ metadata, spec, status }: ReplicaSet): ReplicaSetFacts {
  const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
  return {
    ...identity(metadata),
    owner: ownerOf(metadata),
    revision: metadata?.annotations?.[REVISION],
    failure:
      failure?.status === 'True'
        ? { ...reasonOf(failure), since: time(failure.lastTransitionTime) }
        : undefined,
    createdAt: time(metadata?.creationTimestamp),
    template: templateDigest(spec?.template),
    version: tagOf(spec?.template && serviceContainer(spec.template, serviceOf(metadata))?.image),
  }
}

export function podFacts({ metadata, spec, status }: Pod): PodFacts {
  const condition = (name: string) => status?.conditions?.find(({ type }) => type === name)
  const scheduled = condition('PodScheduled')
  const sidecars = new Set(
    spec?.initContainers?.flatMap(({ name, restartPolicy }) => (restartPolicy === 'Always' ? [name] : [])),
  )
  const ephemeral = status?.ephemeralContainerStatuses?.map((each) => containerFacts(each, false))
  return {
    ...identity(metadata),
    owner: ownerOf(metadata),
    service: serviceOf(metadata),
    createdAt: time(metadata?.creationTimestamp),
    node: spec?.nodeName,
    phase: status?.phase ?? 'Pending',
    ready: condition('Ready')?.status === 'True',
    readyChangedAt: time(condition('Ready')?.lastTransitionTime),
    deleting: metadata?.deletionTimestamp !== undefined,
    deleteBy: metadata?.deletionTimestamp ? time(metadata.deletionTimestamp) : undefined,
    failure: status?.phase === 'Failed' && status.reason ? reasonOf(status) : undefined,
    unscheduled: scheduled?.status === 'False' ? reasonOf(scheduled) : undefined,
    containers: [
      ...(status?.initContainerStatuses ?? []).map((each) => ({
        ...containerFacts(each, true),
        ...(sidecars.has(each.name) && { sidecar: true as const }),
      })),
      ...(status?.containerStatuses ?? []).map((each) => containerFacts(each, false)),
    ],
    main: spec && serviceContainer({ metadata, spec }, serviceOf(metadata))?.name,
    ...(ephemeral && { ephemeral }),
  }
}

function containerFacts(status: ContainerStatus, init: boolean): ContainerFacts {
  const { state, lastState } = status
  return {
    name: status.name,
    init,
    image: status.image,
    ready: status.ready ?? false,
    restarts: status.restartCount ?? 0,
    waiting: state?.waiting && reasonOf(state.waiting),
    running: state?.running !== undefined,
    terminated: state?.terminated && terminated(state.terminated),
    last: lastState?.terminated && terminated(lastState.terminated),
  }
}

export function jobFacts({ metadata, status }: Job): JobFacts {
  const condition = (name: string) =>
    status?.conditions?.find(({ type, status }) => type === name && status === 'True')
  const failed = condition('Failed')
  return {
    ...identity(metadata),
    succeeded: condition('Complete') !== undefined,
    failedPods: status?.failed ?? 0,
    failure: failed && reasonOf(failed),
  }
}

export function eventFacts(event: Event): EventFacts {
  const at = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp
  return {
    uid: event.metadata.uid ?? '',
    about: event.involvedObject.uid ?? '',
    // `spec.containers{app}`
    container: /^[^{]*\{(.+)\}$/.exec(event.involvedObject.fieldPath ?? '')?.[1],
    kind: event.involvedObject.kind ?? '',
    name: event.involvedObject.name ?? '',
    type: event.type ?? 'Normal',
    reason: event.reason ?? '',
    message: event.message ?? '',
    at: time(at),
    count: event.series?.count ?? event.count ?? 1,
  }
}

/** The labels that helm charts, ours among them, put on what belongs to a release. */
export function serviceOf(metadata: ObjectMeta | undefined): string | undefined {
  const labels = metadata?.labels ?? {}
  return labels['app.kubernetes.io/instance'] ?? labels['app.kubernetes.io/name'] ?? labels.app
}

export function identity(metadata: ObjectMeta | undefined): { uid: string; name: string } {
  return { uid: metadata?.uid ?? '', name: metadata?.name ?? '' }
}

function ownerOf(metadata: ObjectMeta | undefined): string | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller)?.uid
}

function reasonOf({ reason = '', message = '' }: { reason?: string; message?: string }) {
  return { reason, message }
}

function terminated(state: ContainerStateTerminated): Terminated {
  const { exitCode, startedAt, finishedAt } = state
  return { ...reasonOf(state), exitCode, startedAt: time(startedAt), finishedAt: time(finishedAt) }
}

/** Epoch milliseconds; 0 for what is not set, which servers send as null too. */
export function time(text: string | null | undefined): number {
  return text ? Date.parse(text) : 0
}
