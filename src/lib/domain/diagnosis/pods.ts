import { formatDuration } from '../duration.ts'
import type { RolloutThresholds } from '../environment.ts'
import { exitMessage, probeAdvice, probeThatEnded } from '../rollout/crash.ts'
import type { ContainerFacts, EventFacts, PodFacts } from '../rollout/facts.ts'
import { notReadyFinding, podFindings, waitingFinding } from '../rollout/findings.ts'
import { latest } from '../rollout/latest.ts'
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

/** What is wrong with one pod beyond what already fails a roll-out. @param events about this pod */
export function podTroubles(
  pod: PodFacts,
  events: readonly EventFacts[],
  { restarts, scaleUp }: Pick<RolloutThresholds, 'restarts' | 'scaleUp'>,
  now: number,
): Finding[] {
  // A roll-out is given up after some crashes; to say what is wrong, one that was not got over is enough.
  // The containers of a pod that was evicted, or whose node was shut down, were ended with it: they did not crash.
  const known = (pod.failure ? [] : podFindings(pod, events, 0))
    .filter(({ code, at = now }) => !CRASHES.has(code) || now - at < RECENT_MS)
    .flatMap((finding) => {
      return finding.code === 'UNSCHEDULABLE' ? scheduling(finding, events, scaleUp, now) : [finding]
    })
  const found = [...known, ...lifeTroubles(pod, now)]
  if (found.length === 0) found.push(...setUpTroubles(pod, events, now))
  if (found.length === 0)
    found.push(...pod.containers.flatMap((c) => restarting(pod, c, events, restarts, now)))
  if (found.length === 0) found.push(...unready(pod, events, now))
  return found.map((finding) => ({ ...finding, service: pod.service, node: pod.node }))
}

/** The autoscaler says on the pod whether it makes room for it. */
function scheduling(
  finding: Finding,
  events: readonly EventFacts[],
  scaleUp: number,
  now: number,
): Finding[] {
  const refused = latest(events, ({ reason }) => reason === 'NotTriggerScaleUp')
  const coming = latest(events, ({ reason }) => /^(TriggeredScaleUp|Nominated)$/.test(reason))
  if (coming && coming.at >= (refused?.at ?? 0) && now - coming.at < scaleUp) return []
  if (refused && /max.*(size|limit).* reached/.test(refused.message)) {
    const { message, at } = refused
    const advice = "raise the node group's maximum, or lower the requests"
    const code = 'NODE_GROUP_AT_MAXIMUM'
    return [{ ...finding, code, message: `${finding.message} ${message}`, field: 'event', at, advice }]
  }
  return [{ ...finding, advice: schedulingAdvice(finding.message) }]
}

/** Each class of kube-scheduler's message has a remedy of its own. */
function schedulingAdvice(message: string): string {
  const classes: [RegExp, string][] = [
    [/unbound immediate PersistentVolumeClaims/, 'look at the volume claim: it is not bound'],
    [/volume node affinity conflict/, 'its volume lies in another zone than the nodes with room'],
    [/untolerated taint/, 'tolerate the taint, or remove it from the nodes'],
    [/node affinity|node selector/, 'label nodes as the pod selects them, or change its nodeSelector'],
    [/topology spread constraints/, 'a zone has no room: let the node group grow there'],
    [/anti-affinity/, 'there are fewer nodes than pods that keep apart: add a node'],
    [/Too many pods/, 'the nodes hold as many pods as they have addresses: add a node'],
    [/were unschedulable/, 'nodes are cordoned: kubectl uncordon NODE'],
    [/Insufficient (cpu|memory)/, 'lower the requests, free capacity or let the node group grow'],
  ]
  return classes.find(([pattern]) => pattern.test(message))?.[1] ?? 'read the message of the scheduler'
}

function lifeTroubles(pod: PodFacts, now: number): Finding[] {
  const object = { kind: 'Pod', name: pod.name, uid: pod.uid }
  if (pod.failure?.reason === 'Evicted') {
    const advice = 'the node ran short: lower what the pods use of it, or request as much as they use'
    return [{ code: 'EVICTED', object, ...pod.failure, field: 'status.reason', advice }]
  }
  if (pod.deleteBy !== undefined && now - pod.deleteBy > TERMINATION_MS) {
    const message = 'its time of grace is over, and it is still there'
    const advice = 'look at its node and its finalizers; kubectl delete pod --force if the node is gone'
    const field = 'metadata.deletionTimestamp'
    return [
      { code: 'STUCK_TERMINATING', object, reason: 'Terminating', message, field, at: pod.deleteBy, advice },
    ]
  }
  return []
}

/** What keeps a scheduled pod from starting. A later event of success ends it. */
function setUpTroubles(pod: PodFacts, events: readonly EventFacts[], now: number): Finding[] {
  if (pod.phase !== 'Pending' || pod.deleting || pod.node === undefined) return []
  const event = latest(events, ({ reason }) =>
    /^(FailedMount|FailedAttachVolume|FailedCreatePodSandBox)$/.test(reason),
  )
  // A volume that is attached a moment late says the same once or twice.
  if (event === undefined || now - pod.createdAt < 30_000) return []
  const { reason, message, at } = event
  const sandbox = reason === 'FailedCreatePodSandBox'
  const code = sandbox ? 'SANDBOX_FAILING' : 'VOLUME_FAILING'
  const object = { kind: 'Pod', name: pod.name, uid: pod.uid }
  return [{ code, object, reason, message, field: 'event', at, advice: setUpAdvice(message, sandbox) }]
}

function setUpAdvice(message: string, sandbox: boolean): string {
  if (/failed to assign an IP address|no available IP|InsufficientFreeAddresses/i.test(message)) {
    return 'the subnet has no address left: add a subnet, or turn on prefix delegation'
  }
  if (sandbox) return 'look at the VPC CNI (aws-node) on that node'
  if (/Multi-Attach/.test(message)) return 'the volume is still attached to another node: wait, or detach it'
  return 'look at the volume, its driver and its access rights'
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
