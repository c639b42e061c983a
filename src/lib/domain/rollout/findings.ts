import { DEPLOY } from '../diagnosis/advice.ts'
import type { Finding } from '../diagnosis/catalogue.ts'
import { crashOf, probeAdvice } from './crash.ts'
import type {
  ContainerFacts,
  DeploymentFacts,
  EventFacts,
  JobFacts,
  PodFacts,
  ReplicaSetFacts,
} from './facts.ts'
import { latest, ofContainer } from './latest.ts'
import { PULL_REASONS, pullFinding } from './pull.ts'
import { schedulingFinding } from './scheduling.ts'
import { setUpFinding } from './set-up.ts'

const CONFIG_REASON = /^(CreateContainerConfigError|CreateContainerError|RunContainerError)$/
/** What to do about containers that the runtime cannot make, by the kubelet's reason. */
const RUNTIME_ADVICE: Record<string, string> = {
  CreateContainerError:
    'mend what the runtime names (kubectl describe pod NAME): the mounts, the paths or the security context',
  RunContainerError:
    'mend what the runtime names (kubectl describe pod NAME): the command has to be in the image, and may be run',
}
const AS_ROOT =
  'set runAsUser to a user of the image that is not root, by its number: kubectl get pod NAME --output yaml; to debug, take an image with such a user, and --profile=restricted'
const MISSING_VOLUME_SOURCE = /not found|non-existent/

/**
 * What is wrong with one pod, most telling first.
 * @param events about this pod, any order
 * @param now epoch milliseconds
 */
export function podFindings(
  pod: PodFacts,
  events: readonly EventFacts[],
  restartLimit: number,
  now: number,
): Finding[] {
  const object = { kind: 'Pod', name: pod.name, uid: pod.uid }
  if (pod.deleting) return []
  const unscheduled = schedulingFinding(pod, events)
  if (unscheduled) return [unscheduled]
  const found = pod.containers.flatMap((container) =>
    containerFindings(container, object, events, restartLimit),
  )
  const mount = latest(
    events,
    (event) => event.reason === 'FailedMount' && MISSING_VOLUME_SOURCE.test(event.message),
  )
  if (mount && pod.phase === 'Pending') {
    const { reason, message, at } = mount
    const advice = missingAdvice(message)
    found.push({ code: 'CONTAINER_CONFIG', object, reason, message, field: 'event', at, advice })
  }
  const setUp = found.length === 0 ? setUpFinding(pod, events, now) : undefined
  return setUp ? [setUp] : found
}

function containerFindings(
  container: ContainerFacts,
  object: Finding['object'],
  events: readonly EventFacts[],
  restartLimit: number,
): Finding[] {
  const { name, restarts } = container
  const field = `status.${container.init ? 'initContainerStatuses' : 'containerStatuses'}[${name}].state`
  const found = waitingFinding(container, events) ?? crashOf(container, events, restartLimit)
  return found ? [{ object, container: name, restarts, field, ...found }] : []
}

/** Why a container cannot be made. @param events about its pod */
export function waitingFinding(
  container: ContainerFacts,
  events: readonly EventFacts[],
): Omit<Finding, 'object'> | undefined {
  const { waiting } = container
  if (waiting?.reason === 'InvalidImageName' || waiting?.reason === 'ErrImageNeverPull')
    return {
      code: 'IMAGE_NAME_INVALID',
      ...waiting,
      advice: `correct the image '${container.image}' in the values, then: ${DEPLOY}`,
    }
  if (waiting && PULL_REASONS.has(waiting.reason)) return pullFinding(container, waiting, events)
  if (waiting && CONFIG_REASON.test(waiting.reason) && !/failed to sync .{0,80} cache/.test(waiting.message))
    return { code: 'CONTAINER_CONFIG', ...waiting, advice: configAdvice(waiting) }
  return undefined
}

function configAdvice({ reason, message }: { reason: string; message: string }): string {
  return /runAsNonRoot/.test(message) ? AS_ROOT : (RUNTIME_ADVICE[reason] ?? missingAdvice(message))
}

/** A Secret, a ConfigMap or a key that is not there. What a chart has, a deploy brings back. */
function missingAdvice(message: string): string {
  if (/configmap/i.test(message))
    return `bring the ConfigMap back: ${DEPLOY}; or create what is named, if no chart has it`
  if (/secret/i.test(message))
    return `look at the ExternalSecret that makes it: kubectl describe externalsecrets; if it is gone: ${DEPLOY}`
  return 'create what is named: kubectl describe pod NAME'
}

/**
 * Pods that could not even be created. The condition keeps the time and the words of the first attempt.
 * @param events about this ReplicaSet, which has one for a later attempt
 */
export function replicaSetFinding(
  set: ReplicaSetFacts,
  events: readonly EventFacts[] = [],
): Finding | undefined {
  if (set.failure === undefined) return undefined
  const { since: first } = set.failure
  const again = latest(events, ({ reason, at }) => reason === 'FailedCreate' && at > (first ?? 0))
  const { reason, message } = again ?? set.failure
  const at = again?.at ?? first
  return {
    code: 'POD_REFUSED',
    object: { kind: 'ReplicaSet', name: set.name, uid: set.uid },
    reason,
    message,
    field: 'status.conditions[ReplicaFailure]',
    ...(at !== undefined && { at }),
    advice: refusalAdvice(message),
  }
}

/** A Job whose pod could not even be created. @param events about this Job */
export function jobRefusedFinding(job: JobFacts, events: readonly EventFacts[]): Finding | undefined {
  const event = latest(events, ({ reason }) => reason === 'FailedCreate')
  if (event === undefined) return undefined
  const { reason, message, at } = event
  const object = { kind: 'Job', name: job.name, uid: job.uid }
  return { code: 'POD_REFUSED', object, reason, message, field: 'event', at, advice: refusalAdvice(message) }
}

function refusalAdvice(message: string): string {
  if (/exceeded quota/.test(message))
    return 'raise the ResourceQuota, or lower replicas and requests: kubectl describe quota'
  if (/PodSecurity/.test(message))
    return "mend the pod's security context; the level that is enforced: kubectl get namespace NAMESPACE --show-labels"
  if (/service ?account/.test(message))
    return `bring the service account back: ${DEPLOY}; or create it, if no chart has it`
  if (/webhook/.test(message))
    return 'look at the admission webhook that is named: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations'
  return 'mend what the API server refuses: kubectl get events --field-selector involvedObject.name=NAME'
}

/** A running container that never passes its readiness probe. @param ended what ended the wait for it */
export function notReadyFinding(
  pod: PodFacts,
  events: readonly EventFacts[],
  ended: { reason: string; message: string },
): Finding {
  const container = pod.containers.find((each) => (!each.init || each.sidecar) && !each.ready)
  const own = container ? ofContainer(events, container.name) : events
  const probe = latest(own, (event) => event.reason === 'Unhealthy')
  const [kind = 'Readiness'] = /^(Startup|Liveness)/.exec(probe?.message ?? '') ?? []
  return {
    code: 'NOT_READY',
    object: { kind: 'Pod', name: pod.name, uid: pod.uid },
    container: container?.name,
    reason: ended.reason,
    message: probe ? `${ended.message} ${probe.message}` : ended.message,
    restarts: container?.restarts,
    field: 'status.conditions[Ready]',
    advice: UNREADY_ADVICE[kind] ?? '',
  }
}

/** By the kind of probe that failed last. */
const UNREADY_ADVICE: Record<string, string> = {
  Readiness: 'read the log: emr logs ENV SERVICE; then ask the readiness path from inside the pod',
  Startup: probeAdvice({ kind: 'startup' }),
  Liveness: probeAdvice({ kind: 'liveness' }),
}

/** Somebody has paused it: no change of its pods happens before it is resumed. */
export function pausedFinding({ uid, name, service }: DeploymentFacts): Finding {
  return {
    code: 'ROLLOUT_PAUSED',
    object: { kind: 'Deployment', name, uid },
    ...(service !== undefined && { service }),
    reason: 'Paused',
    message: 'changes are not rolled out until it is resumed',
    field: 'spec.paused',
    advice: RESUME,
  }
}

/** What resumes a paused Deployment. */
export const RESUME = 'kubectl rollout resume deployment/NAME'

/** Kubernetes has given a rollout up, and no pod shows why. */
export function stalledRolloutFinding({ uid, name }: DeploymentFacts, message: string): Finding {
  return {
    code: 'ROLLOUT_STALLED',
    object: { kind: 'Deployment', name, uid },
    reason: 'ProgressDeadlineExceeded',
    message,
    field: 'status.conditions[Progressing]',
    advice:
      'look at the events of its ReplicaSet: kubectl get events --field-selector involvedObject.kind=ReplicaSet',
  }
}

/** All pods that there are to be now are there, and its autoscaler keeps more than that. */
export function belowMinimumFinding(
  { uid, name, desired }: DeploymentFacts,
  minimum: number,
): Finding | undefined {
  if (desired >= minimum) return undefined
  return {
    code: 'AUTOSCALER_FAILING',
    object: { kind: 'Deployment', name, uid },
    reason: 'BelowMinimum',
    message: `replicas is ${desired}, and the autoscaler has not raised it to its minimum of ${minimum}`,
    field: 'spec.replicas',
    advice: 'look at the autoscaler: kubectl describe hpa',
  }
}

/** No pods are wanted: to Kubernetes that is a complete roll-out, to the hospitals an outage. */
export function scaledToZeroFinding({ uid, name, desired }: DeploymentFacts): Finding | undefined {
  if (desired > 0) return undefined
  return {
    code: 'SCALED_TO_ZERO',
    object: { kind: 'Deployment', name, uid },
    reason: 'ScaledToZero',
    message: 'spec.replicas is 0, which also turns its HorizontalPodAutoscaler off',
    field: 'spec.replicas',
    advice: `give it pods again: emr scale ENV ${name} 2`,
  }
}

/** Somebody deleted the Deployment, or its whole namespace, while its roll-out was followed. */
export function deploymentGoneFinding(name: string): Finding {
  return {
    code: 'DEPLOYMENT_GONE',
    object: { kind: 'Deployment', name, uid: '' },
    reason: 'Deleted',
    message: 'the Deployment was deleted during the roll-out, by another hand or with its namespace',
    advice: `deploy again: ${DEPLOY}; who deleted it is in the audit log of the cluster`,
  }
}

/** A hook (for example a migration) that fails before helm would give it up. */
export function hookFinding(job: JobFacts, restartLimit: number): Finding | undefined {
  if (job.failure === undefined && job.failedPods < restartLimit) return undefined
  return {
    code: 'HOOK_FAILED',
    object: { kind: 'Job', name: job.name, uid: job.uid },
    reason: job.failure?.reason ?? 'PodsFailing',
    message: job.failure?.message ?? `${job.failedPods} pods of the hook failed`,
    field: 'status.conditions[Failed]',
    advice: 'mend what the hook does: kubectl logs job/NAME; nothing of the new version was started',
  }
}
