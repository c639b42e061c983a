import { formatDuration } from '../duration.ts'
import type { RolloutThresholds } from '../environment.ts'
import { exitMessage, probeAdvice, probeThatEnded } from '../rollout/crash.ts'
import type { ContainerFacts, DeploymentFacts, EventFacts, PodFacts } from '../rollout/facts.ts'
import { notReadyFinding, podFindings, waitingFinding } from '../rollout/findings.ts'
import { latest } from '../rollout/latest.ts'
import { nodeComing } from '../rollout/scheduling.ts'
import type { Finding } from './catalogue.ts'

/** A deleted pod may take this much longer than its time of grace. */
const TERMINATION_MS = 60_000
/** A pod that has been up for less is still starting. */
const STARTING_MS = 300_000
/** A pod that lost its readiness for less may be busy for a moment. */
const UNREADY_MS = 60_000
/** Kubernetes asks three times before it takes a pod out; what has failed twice as often is not only late. */
const FAILED_PROBES = 6
/** Restarts that are older have been got over. */
const RECENT_MS = 600_000

const CRASHES = new Set(['CRASH_LOOP', 'OUT_OF_MEMORY', 'INIT_FAILING'])

/** The services that have all the pods that they are to have. */
export function wholeServices(deployments: Iterable<DeploymentFacts>): Set<string> {
  const whole = [...deployments].filter(({ available, desired }) => desired > 0 && available >= desired)
  return new Set(whole.map(({ service, name }) => service ?? name))
}

/**
 * What is wrong with one pod beyond what already fails a roll-out.
 * @param events about this pod
 * @param served services that have all their pods: one that was evicted has been replaced
 */
export function podTroubles(
  pod: PodFacts,
  events: readonly EventFacts[],
  { restarts, scaleUp }: Pick<RolloutThresholds, 'restarts' | 'scaleUp'>,
  now: number,
  served: ReadonlySet<string> = new Set(),
): Finding[] {
  // A roll-out is given up after some crashes; to say what is wrong, one that was not got over is enough.
  // The containers of a pod that was evicted, or whose node was shut down, were ended with it: they did not crash.
  const coming = nodeComing(events)
  const ended = pod.phase === 'Failed' || pod.phase === 'Succeeded'
  const known = (ended ? [] : podFindings(pod, events, 0, now)).filter(({ code, at = now }) => {
    if (code === 'UNSCHEDULABLE') return coming === undefined || now - coming.at >= scaleUp
    return !CRASHES.has(code) || now - at < RECENT_MS
  })
  const found = [...known, ...lifeTroubles(pod, served, now)]
  if (found.length === 0 && !ended)
    found.push(...pod.containers.flatMap((c) => restarting(pod, c, events, restarts, now)))
  if (found.length === 0) found.push(...unready(pod, events, now))
  const { service, node, owner } = pod
  return found.map((finding) => ({ ...finding, service, node, owner }))
}

function lifeTroubles(pod: PodFacts, served: ReadonlySet<string>, now: number): Finding[] {
  const object = { kind: 'Pod', name: pod.name, uid: pod.uid }
  if (pod.failure?.reason === 'Evicted') {
    const advice =
      'the node ran short (kubectl describe node NODE): lower what the pods use of it, or request as much as they use'
    const note = served.has(pod.service ?? '') && { severity: 'warning' as const }
    return [{ code: 'EVICTED', object, ...pod.failure, field: 'status.reason', advice, ...note }]
  }
  if (pod.deleteBy !== undefined && now - pod.deleteBy > TERMINATION_MS) {
    const message = 'its time of grace is over, and it is still there'
    const advice =
      'look at its node and its finalizers: kubectl get pod NAME --output yaml; if the node is gone: kubectl delete pod NAME --force'
    const field = 'metadata.deletionTimestamp'
    return [
      { code: 'STUCK_TERMINATING', object, reason: 'Terminating', message, field, at: pod.deleteBy, advice },
    ]
  }
  return []
}

function restarting(
  pod: PodFacts,
  container: ContainerFacts,
  events: readonly EventFacts[],
  limit: number,
  now: number,
): Finding[] {
  const { last, restarts, name } = container
  if (pod.deleting || last === undefined || restarts < limit) return []
  if (now - last.finishedAt > RECENT_MS) return []
  const probe = probeThatEnded(container, last, events)
  if (last.exitCode === 0 && probe === undefined) return []
  const object = { kind: 'Pod', name: pod.name, uid: pod.uid }
  const message = `${restarts} restarts, the last with ${exitMessage(last, probe)}`
  const advice = probe
    ? probeAdvice(probe)
    : 'read the log of the previous run: emr logs ENV SERVICE --previous'
  const field = `status.${container.init ? 'initContainerStatuses' : 'containerStatuses'}[${name}].restartCount`
  const { reason, finishedAt: at, exitCode } = last
  return [
    { code: 'RESTARTING', object, container: name, reason, message, field, at, exitCode, restarts, advice },
  ]
}

function unready(pod: PodFacts, events: readonly EventFacts[], now: number): Finding[] {
  if (pod.ready || pod.deleting || pod.phase !== 'Running') return []
  const since = pod.readyChangedAt || pod.createdAt
  const probe = latest(events, ({ reason, message }) => reason === 'Unhealthy' && /^Readiness/.test(message))
  // A container that was ready once gets less time than one that starts.
  const patience = since - pod.createdAt > STARTING_MS ? UNREADY_MS : STARTING_MS
  if (now - since < patience && (probe?.count ?? 0) < FAILED_PROBES) return []
  const message = `not ready for ${formatDuration(now - since)}.`
  return [{ ...notReadyFinding(pod, events, { reason: 'NotReady', message }), at: since }]
}

/** What keeps `kubectl debug` from its container; the service does without it, and nothing takes it out of the pod. */
export function debugFindings(pod: PodFacts, events: readonly EventFacts[]): Finding[] {
  return (pod.ephemeral ?? []).flatMap((container): Finding[] => {
    const found = pod.deleting ? undefined : waitingFinding(container, events)
    if (found === undefined) return []
    const { name, uid, service, node } = pod
    const field = `status.ephemeralContainerStatuses[${container.name}].state`
    const base = { object: { kind: 'Pod', name, uid }, service, node, container: container.name, field }
    return [{ ...found, ...base, code: 'EPHEMERAL_FAILING' }]
  })
}
