import type { Finding } from '../diagnosis/catalogue.ts'
import type { RolloutThresholds } from '../environment.ts'
import type { DeploymentFacts, EventFacts, JobFacts, PodFacts, ReplicaSetFacts } from './facts.ts'
import {
  belowMinimumFinding,
  hookFinding,
  jobRefusedFinding,
  notReadyFinding,
  pausedFinding,
  podFindings,
  replicaSetFinding,
  scaledToZeroFinding,
  stalledRolloutFinding,
} from './findings.ts'
import { nodeComing } from './scheduling.ts'

/** The kubelet tries again after five minutes at the latest. */
const KUBELET_BACKOFF_MS = 310_000

/** Everything known of one release's roll-out at one moment. */
export interface RolloutFacts {
  deployment: DeploymentFacts
  /** The ReplicaSet of the Deployment's newest revision, once it exists. */
  replicaSet: ReplicaSetFacts | undefined
  /** The pods of that ReplicaSet that run or are going to. */
  pods: PodFacts[]
  /** How many such pods the Deployment's other ReplicaSets have. */
  old: number
  /** About those pods and that ReplicaSet. */
  events: EventFacts[]
}

export type Verdict =
  | { state: 'complete' }
  | { state: 'progressing'; concerns: Finding[] }
  | { state: 'failed'; finding: Finding; others: Finding[] }

/**
 * Decides from one observation after the other whether a roll-out goes on, is complete, or has failed for a reason
 * that waiting will not mend. It remembers since when each finding stands, because most may pass by themselves.
 */
export class RolloutJudge {
  readonly #thresholds: RolloutThresholds
  readonly #changedAt: number
  readonly #minimum: number
  readonly #since = new Map<string, number>()
  #startedAt: number | undefined

  /**
   * @param options.changedAt when the change that is followed began, by the clock of the API server: what its objects say of
   * times before is of an earlier attempt
   * @param options.minimum pods that the autoscaler keeps at least
   */
  constructor(thresholds: RolloutThresholds, options: { changedAt?: number; minimum?: number } = {}) {
    this.#thresholds = thresholds
    this.#changedAt = options.changedAt ?? 0
    this.#minimum = options.minimum ?? 0
  }

  /** @param now milliseconds since the epoch */
  judge(facts: RolloutFacts, now: number): Verdict {
    this.#startedAt ??= now
    const zero = scaledToZeroFinding(facts.deployment)
    if (zero) return { state: 'failed', finding: zero, others: [] }
    if (isComplete(facts.deployment)) {
      const below = belowMinimumFinding(facts.deployment, this.#minimum)
      return below ? { state: 'progressing', concerns: [below] } : { state: 'complete' }
    }
    // Until the controller has seen the change, all that is observed belongs to the state before it; what was found
    // before stands, as an autoscaler's change does not make a pod schedulable.
    if (facts.deployment.observedGeneration < facts.deployment.generation) {
      return { state: 'progressing', concerns: [] }
    }
    // Nothing moves before somebody resumes it, so there is nothing to wait for.
    const paused = isStopped(facts.deployment) ? pausedFinding(facts.deployment) : undefined
    if (paused) return { state: 'failed', finding: paused, others: [] }
    const isOver = this.#deadline(facts, now) !== undefined
    const findings = this.#findings(facts, now)
    this.#remember(findings, now)
    const crashing = crashLoopDecides(facts, findings)
    const decided = findings.filter((finding) => {
      if (isCrash(finding) && !crashing) return false
      return this.#lasts(finding, now) >= this.#patience(finding, facts, isOver)
    })
    const [finding, ...others] = decided
    return finding ? { state: 'failed', finding, others } : { state: 'progressing', concerns: findings }
  }

  /** For times without sight: what was seen before must be seen again before time counts against it. */
  forget(): void {
    this.#since.clear()
  }

  /** A hook's Job, judged like a crash loop: helm itself waits until the Job gives up. */
  judgeHook(job: JobFacts): Finding | undefined {
    return hookFinding(job, this.#thresholds.restarts)
  }

  /**
   * A Job that emr follows itself.
   * @param events about the Job and its pods
   * @returns what has kept its pods from starting for longer than it may
   */
  judgeJob(job: JobFacts, pods: PodFacts[], events: EventFacts[], now: number): Finding | undefined {
    const about = (uid: string) => events.filter((event) => event.about === uid)
    const refused = pods.length === 0 ? jobRefusedFinding(job, about(job.uid)) : undefined
    const ofPods = pods.flatMap((pod) => podFindings(pod, about(pod.uid), this.#thresholds.restarts, now))
    const findings = refused ? [refused] : ofPods
    this.#remember(findings, now)
    return findings.find(
      (finding) =>
        this.#lasts(finding, now) >= this.#patience(finding, { events, pods, replicaSet: undefined }, false),
    )
  }

  #findings(facts: RolloutFacts, now: number): Finding[] {
    const { deployment, replicaSet, pods, events } = facts
    const about = (uid: string) => events.filter((event) => event.about === uid)
    const ofPods = pods.flatMap((pod) => podFindings(pod, about(pod.uid), this.#thresholds.restarts, now))
    const refused = replicaSet && replicaSetFinding(replicaSet, about(replicaSet.uid))
    const findings = refused ? [...ofPods, refused] : ofPods
    const unready = pods.find((pod) => !pod.ready && !pod.deleting)
    const deadline = this.#deadline(facts, now)
    if (deadline !== undefined && findings.length === 0) {
      const exceeded = { reason: 'ProgressDeadlineExceeded', message: deadline }
      findings.push(
        unready
          ? notReadyFinding(unready, about(unready.uid), exceeded)
          : stalledRolloutFinding(deployment, deadline),
      )
    }
    return findings
  }

  /**
   * What Kubernetes says of its own deadline. Where it said so before this change, it says nothing more, and the time is
   * measured here.
   */
  #deadline({ deployment, replicaSet }: RolloutFacts, now: number): string | undefined {
    const { deadlineExceededAt = this.#changedAt, progressDeadline } = deployment
    const exceeded = exceededDeadline(deployment, replicaSet)
    if (exceeded === undefined || deadlineExceededAt >= this.#changedAt) return exceeded
    if (progressDeadline === undefined) return undefined
    return now - (this.#startedAt ?? now) >= progressDeadline * 1000 ? exceeded : undefined
  }

  /** It happened before the change that is followed, to something that there was before, and was not tried again since. */
  isStale({ at, object }: Finding, { pods, replicaSet }: Pick<RolloutFacts, 'pods' | 'replicaSet'>): boolean {
    const subject = [...pods, ...(replicaSet ? [replicaSet] : [])].find(({ uid }) => uid === object.uid)
    const isNew = (subject?.createdAt ?? 0) >= this.#changedAt
    return at !== undefined && at < this.#changedAt && !isNew
  }

  /** Milliseconds since the finding was first seen. */
  #lasts(finding: Finding, now: number): number {
    return now - (this.#since.get(keyOf(finding)) ?? now)
  }

  /**
   * Milliseconds that a finding may last. Kubernetes' own deadline ends it, but for nodes that are on their way.
   * @param isOver whether that deadline has passed
   */
  #patience(
    finding: Finding,
    facts: Pick<RolloutFacts, 'events' | 'pods' | 'replicaSet'>,
    isOver: boolean,
  ): number {
    const { imagePull, containerConfig, unschedulable, scaleUp, podCreation } = this.#thresholds
    const coming = nodeComing(facts.events.filter(({ about }) => about === finding.object.uid))
    if (finding.code === 'UNSCHEDULABLE' && coming) return scaleUp
    // Its controller tries again: that of ReplicaSets at once, since it is told to; the kubelet when its back-off is over.
    if (this.isStale(finding, facts)) return finding.code === 'POD_REFUSED' ? podCreation : KUBELET_BACKOFF_MS
    if (isOver) return 0
    switch (finding.code) {
      case 'IMAGE_PULL_FAILING':
        return imagePull
      case 'CONTAINER_CONFIG':
        return containerConfig
      case 'UNSCHEDULABLE':
      case 'NODE_GROUP_AT_MAXIMUM':
        return unschedulable
      case 'VOLUME_FAILING':
      case 'SANDBOX_FAILING':
        return Number.POSITIVE_INFINITY
      case 'POD_REFUSED':
        return podCreation
      default:
        return 0
    }
  }

  #remember(findings: Finding[], now: number): void {
    const current = new Set(findings.map(keyOf))
    for (const key of this.#since.keys()) if (!current.has(key)) this.#since.delete(key)
    for (const key of current) if (!this.#since.has(key)) this.#since.set(key, now)
  }
}

/** Why a roll-out that nothing was found against is not complete: a pod that runs and is not ready. */
export function stalledFinding({ pods, events }: Pick<RolloutFacts, 'pods' | 'events'>): Finding | undefined {
  const unready = pods.find((pod) => !pod.ready && !pod.deleting)
  if (unready === undefined) return undefined
  const about = events.filter((event) => event.about === unready.uid)
  return notReadyFinding(unready, about, { reason: 'NotReady', message: 'not ready when the time was up.' })
}

/**
 * What Kubernetes says of its own deadline, where it speaks of this roll-out: for a moment the condition of the one
 * before still stands, and names another ReplicaSet (`ReplicaSet "web-6fc8886" has timed out progressing.`).
 */
function exceededDeadline(
  { deadlineExceeded }: DeploymentFacts,
  replicaSet: ReplicaSetFacts | undefined,
): string | undefined {
  const named = /ReplicaSet "([^"]+)"/.exec(deadlineExceeded ?? '')?.[1]
  return named === undefined || named === replicaSet?.name ? deadlineExceeded : undefined
}

/**
 * As `kubectl rollout status` has it: observed, all replicas updated and available, no old one left. A paused Deployment
 * whose pods are all of its template is complete, too.
 */
export function isComplete(deployment: DeploymentFacts): boolean {
  return (
    deployment.observedGeneration >= deployment.generation &&
    deployment.updated >= deployment.desired &&
    deployment.total <= deployment.updated &&
    deployment.available >= deployment.updated
  )
}

/** Paused, with pods that only a resumed rollout replaces. */
function isStopped({ paused, updated, desired, total }: DeploymentFacts): boolean {
  return paused && (updated < desired || total > updated)
}

/**
 * A pull that alternates between ErrImagePull and ImagePullBackOff is one finding, hence no reason in the key; and a pod
 * that no node can take is, whatever the autoscaler says of it.
 */
function keyOf({ code, object, container = '' }: Finding): string {
  return [code === 'NODE_GROUP_AT_MAXIMUM' ? 'UNSCHEDULABLE' : code, object.uid, container].join('/')
}

function isCrash(finding: Finding): boolean {
  return finding.code === 'CRASH_LOOP' || finding.code === 'OUT_OF_MEMORY' || finding.code === 'INIT_FAILING'
}

/** One crashing pod among healthy ones may be its node's fault; all of them, or more crashes than replicas, not. */
function crashLoopDecides({ deployment, pods }: RolloutFacts, findings: Finding[]): boolean {
  const live = pods.filter((pod) => !pod.deleting)
  const crashing = new Set(findings.filter(isCrash).map((finding) => finding.object.uid))
  const restarts = live
    .flatMap((pod) => pod.containers)
    .reduce((sum, container) => sum + container.restarts, 0)
  return live.every((pod) => crashing.has(pod.uid)) || restarts > deployment.desired
}
