import type { Finding } from '../diagnosis/catalogue.ts'
import type {
  ContainerFacts,
  DeploymentFacts,
  EventFacts,
  JobFacts,
  PodFacts,
  ReplicaSetFacts,
  Terminated,
} from './facts.ts'

/** What to do about containers that cannot be made, by the kubelet's reason. */
const CONFIG_ADVICE: Record<string, string> = {
  CreateContainerConfigError:
    'create the Secret, ConfigMap or key that it names, or check the ExternalSecret that makes it',
  CreateContainerError: 'mend what the runtime names: the mounts, the paths or the security context',
  RunContainerError: 'mend what the runtime names: the command has to be in the image, and may be run',
}
const PULL_REASONS = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable', 'ImageInspectError'])
/** How registries and containerd say that a tag or a repository does not exist. */
const NOT_FOUND = /not found|manifest unknown|manifest for .* not found|name unknown|no match for platform/i
const OTHER_PROCESSOR = 'the image is built for another processor: build it for amd64'
const MISSING_VOLUME_SOURCE = /not found|non-existent/

/** What is wrong with one pod, most telling first. @param events about this pod, any order */
export function podFindings(pod: PodFacts, events: readonly EventFacts[], restartLimit: number): Finding[] {
  const object = { kind: 'Pod', name: pod.name, uid: pod.uid }
  if (pod.deleting) return []
  if (pod.unscheduled?.reason === 'Unschedulable') {
    const { reason, message } = pod.unscheduled
    const advice = 'lower the requests, free capacity or let the node group grow'
    const field = 'status.conditions[PodScheduled]'
    return [{ code: 'UNSCHEDULABLE', object, reason, message, field, advice }]
  }
  const found = pod.containers.flatMap((container) =>
    containerFindings(container, object, events, restartLimit),
  )
  const mount = latest(
    events,
    (event) => event.reason === 'FailedMount' && MISSING_VOLUME_SOURCE.test(event.message),
  )
  if (mount && pod.phase === 'Pending') {
    const advice = 'create what the volume names, or check the ExternalSecret that makes it'
    const { reason, message, at } = mount
    found.push({ code: 'CONTAINER_CONFIG', object, reason, message, field: 'event', at, advice })
  }
  return found
}

function containerFindings(
  container: ContainerFacts,
  object: Finding['object'],
  events: readonly EventFacts[],
  restartLimit: number,
): Finding[] {
  const { name, restarts } = container
  const field = `status.containerStatuses[${name}].state`
  const base = { object, container: name, restarts, field }
  const { waiting } = container
  if (waiting?.reason === 'InvalidImageName' || waiting?.reason === 'ErrImageNeverPull') {
    const advice = `correct the image '${container.image}'`
    return [{ ...base, code: 'IMAGE_NAME_INVALID', ...waiting, advice }]
  }
  if (waiting && PULL_REASONS.has(waiting.reason))
    return [{ ...base, ...pullFinding(container, waiting, events) }]
  if (waiting && waiting.reason in CONFIG_ADVICE && !/failed to sync .* cache/.test(waiting.message)) {
    const advice = CONFIG_ADVICE[waiting.reason] ?? ''
    return [{ ...base, code: 'CONTAINER_CONFIG', ...waiting, advice }]
  }
  const crash = crashOf(container, restartLimit)
  return crash ? [{ ...base, ...crash }] : []
}

function pullFinding(
  container: ContainerFacts,
  waiting: { reason: string; message: string },
  events: readonly EventFacts[],
): Omit<Finding, 'object'> {
  // While it backs off, older kubelets say only that; the registry's words are in the last event.
  const event = latest(
    events,
    (each) => each.reason === 'Failed' && each.message.startsWith('Failed to pull image'),
  )
  const message = waiting.reason === 'ImagePullBackOff' && event ? event.message : waiting.message
  if (NOT_FOUND.test(message)) {
    const advice = /no match for platform/.test(message)
      ? OTHER_PROCESSOR
      : `no such image '${container.image}': deploy a tag that was pushed`
    return { code: 'IMAGE_NOT_FOUND', reason: waiting.reason, message, advice }
  }
  const advice = pullAdvice(message)
  return { code: 'IMAGE_PULL_FAILING', reason: waiting.reason, message, advice }
}

function pullAdvice(message: string): string {
  if (/toomanyrequests|429|QPS exceeded|rate limit/i.test(message)) {
    return 'the registry throttles: wait, or pull through a cache'
  }
  if (/unauthorized|denied|forbidden|no basic auth|403|401/i.test(message)) {
    return "the nodes may not pull this image: check the repository's policy and the node role"
  }
  if (/no such host|i\/o timeout|deadline exceeded|handshake|connection refused/i.test(message)) {
    return 'the registry cannot be reached from the nodes: check the VPC endpoints, DNS and security groups'
  }
  return 'look at the registry'
}

function crashOf(container: ContainerFacts, restartLimit: number): Omit<Finding, 'object'> | undefined {
  const ended = container.terminated ?? container.last
  const looping = container.waiting?.reason === 'CrashLoopBackOff'
  if (ended === undefined || container.ready || (!looping && container.restarts < restartLimit))
    return undefined
  if (ended.exitCode === 0 && !looping) return undefined
  const reason = looping ? 'CrashLoopBackOff' : ended.reason
  if (ended.reason === 'OOMKilled') {
    const advice = 'raise the memory limit, or find what the new version keeps in memory'
    return {
      code: 'OUT_OF_MEMORY',
      reason: 'OOMKilled',
      message: exitMessage(ended),
      exitCode: ended.exitCode,
      at: ended.finishedAt,
      advice,
    }
  }
  return {
    code: container.init ? 'INIT_FAILING' : 'CRASH_LOOP',
    reason,
    message: exitMessage(ended),
    exitCode: ended.exitCode,
    at: ended.finishedAt,
    advice: crashAdvice(ended),
  }
}

function crashAdvice({ exitCode, message }: Terminated): string {
  if (/exec format error/.test(message)) return OTHER_PROCESSOR
  if (exitCode === 126 || exitCode === 127) return "mend the image's command: it cannot be started"
  if (exitCode === 143) return 'look at the liveness probe: it ends a program that may only be slow'
  if (exitCode === 0) return 'the program ends by itself: a service must keep running'
  return 'read the last log lines: the program itself ends'
}

/** Codes above 128 are signals by the shell's convention (128 + signal number). */
function exitMessage(ended: Terminated): string {
  const meaning: Record<number, string> = {
    126: 'the command cannot be run',
    127: 'the command does not exist',
    137: ended.reason === 'OOMKilled' ? 'killed at its memory limit' : 'killed (SIGKILL)',
    139: 'segmentation fault',
    143: 'ended by SIGTERM, as a failing liveness probe does',
  }
  const words = meaning[ended.exitCode]
  return `exit code ${ended.exitCode}${words ? ` (${words})` : ''}${ended.message ? `: ${ended.message}` : ''}`
}

/** Pods that could not even be created. */
export function replicaSetFinding(set: ReplicaSetFacts): Finding | undefined {
  if (set.failure === undefined) return undefined
  const { reason, message } = set.failure
  return {
    code: 'POD_REFUSED',
    object: { kind: 'ReplicaSet', name: set.name, uid: set.uid },
    reason,
    message,
    field: 'status.conditions[ReplicaFailure]',
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
  if (/exceeded quota/.test(message)) return 'raise the ResourceQuota, or lower replicas and requests'
  if (/PodSecurity/.test(message))
    return "mend the pod's security context: the namespace enforces a Pod Security level"
  if (/service ?account/.test(message)) return 'create the service account that is named'
  if (/webhook/.test(message)) return 'look at the admission webhook that is named'
  return 'mend what the API server refuses'
}

/** A running container that never passes its readiness probe. @param ended what ended the wait for it */
export function notReadyFinding(
  pod: PodFacts,
  events: readonly EventFacts[],
  ended: { reason: string; message: string },
): Finding {
  const container = pod.containers.find((each) => !each.init && !each.ready)
  const probe = latest(events, (event) => event.reason === 'Unhealthy')
  return {
    code: 'NOT_READY',
    object: { kind: 'Pod', name: pod.name, uid: pod.uid },
    container: container?.name,
    reason: ended.reason,
    message: probe ? `${ended.message} ${probe.message}` : ended.message,
    restarts: container?.restarts,
    field: 'status.conditions[Ready]',
    advice: 'read the log and ask the readiness path from inside the pod',
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
    advice: 'find out who deleted it (the audit log of the cluster tells), then deploy again',
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
    advice: 'mend what the hook does; nothing of the new version was started',
  }
}

/** The last of the events that are wanted. */
export function latest(
  events: readonly EventFacts[],
  wanted: (event: EventFacts) => boolean,
): EventFacts | undefined {
  return events
    .filter(wanted)
    .reduce<EventFacts | undefined>((a, b) => (a && a.at >= b.at ? a : b), undefined)
}
