import type { WorkloadWatch } from '../../adapters/kubernetes/workload-watch.ts'
import type { Finding } from '../../domain/diagnosis/catalogue.ts'
import { formatDuration } from '../../domain/duration.ts'
import { withEllipsis } from '../../domain/ellipsis.ts'
import type { RolloutThresholds } from '../../domain/environment.ts'
import { OUTAGE_MS } from '../../domain/outage.ts'
import type { PodFacts } from '../../domain/rollout/facts.ts'
import { deploymentGoneFinding } from '../../domain/rollout/findings.ts'
import { type RolloutFacts, RolloutJudge, stalledFinding } from '../../domain/rollout/judge.ts'
import { until } from '../until.ts'
import type { DeployPorts, ServicePlan } from './types.ts'

/** Nothing was heard from the API server for too long to go on: how the roll-out stands is not known. */
export class ClusterLostError extends Error {
  constructor(cause: Error) {
    const time = formatDuration(OUTAGE_MS)
    super(`no news from the cluster for ${time}, so how it stands is not known: ${cause.message}`, { cause })
    this.name = 'ClusterLostError'
  }
}

/** Most characters of a concern in a line of progress. */
const CONCERN = 120

/** A roll-out was judged to have failed; `pod` is the one that shows why. */
export class RolloutFailedError extends Error {
  readonly finding: Finding
  readonly pod: PodFacts | undefined

  constructor(finding: Finding, pod: PodFacts | undefined) {
    super(`${finding.reason}: ${finding.message}`)
    this.name = 'RolloutFailedError'
    this.finding = finding
    this.pod = pod
  }
}

interface Track {
  ports: Pick<DeployPorts, 'workloads' | 'environment' | 'now'>
  watch: WorkloadWatch
  signal: AbortSignal
  /** When the change that is followed began, by the clock of the API server. */
  changedAt: number
  onProgress: (text: string) => void
}

/**
 * Follows the Deployments of one release until all are complete.
 * @throws {RolloutFailedError} as soon as one of them has failed for good; when the signal ends it, with what was
 * still missing, where that is known
 */
export async function trackRollout(track: Track, deployments: string[]): Promise<void> {
  const { ports, watch, signal } = track
  const awaited = await Promise.all(
    deployments.map(async (name): Promise<Awaited> => {
      // The watch may lag behind helm: what it shows counts once it shows this generation.
      const generation = await ports.workloads.generation(name, signal)
      if (generation === undefined) throw failed(deploymentGoneFinding(name), [])
      const minimum = await ports.workloads.raiseToMinimum(name, signal)
      const judge = new RolloutJudge(ports.environment.rollout, { changedAt: track.changedAt, minimum })
      return { name, judge, generation, seen: false, retried: false }
    }),
  )
  let missing: RolloutFailedError | undefined
  let lostAt: number | undefined
  let told = ''
  const check = () => {
    lostAt = watch.lost ? (lostAt ?? ports.now()) : undefined
    if (watch.lost && lostAt !== undefined) {
      if (ports.now() - lostAt > OUTAGE_MS) throw new ClusterLostError(watch.lost)
      // Never a verdict on a picture that may be old.
      for (const { judge } of awaited) judge.forget()
      missing = undefined
      told = ''
      track.onProgress(`no news from the cluster, reconnecting: ${watch.lost.message}`)
      return false
    }
    const view = look(track, awaited)
    missing = view.missing
    // A pull that alternates between ErrImagePull and ImagePullBackOff is no news each time.
    if (view.line !== '' && view.kind !== told) track.onProgress(view.line)
    told = view.kind
    return view.done
  }
  for (;;) {
    try {
      return await until(watch, signal, check)
    } catch (error) {
      if (signal.aborted) throw missing ?? error
      if (!(error instanceof RolloutFailedError)) throw error
      await confirm(track, awaited)
    }
  }
}

/**
 * Judges again by what the server says now: a watch whose connection hangs shows an old picture for seconds before
 * anybody knows.
 * @throws {RolloutFailedError} where the verdict stands
 */
async function confirm(track: Track, awaited: Awaited[]): Promise<void> {
  const { watch, signal } = track
  watch.relist(new Error('listed anew before a verdict'))
  await until(watch, signal, () => watch.lost === undefined || watch.isSilent)
  if (watch.lost === undefined) look(track, awaited)
}

interface Awaited {
  name: string
  judge: RolloutJudge
  generation: number
  seen: boolean
  /** The controller was told to try again what had failed before. */
  retried: boolean
}

/**
 * How the Deployments stand now.
 * @returns a line of progress and what makes it news, and what is still missing
 * @throws {RolloutFailedError} when one has failed
 */
function look(
  { ports, watch, signal }: Track,
  awaited: Awaited[],
): { line: string; kind: string; missing: RolloutFailedError | undefined; done: boolean } {
  const lines: string[] = []
  const kinds: string[] = []
  let missing: RolloutFailedError | undefined
  const open = awaited.filter((each) => {
    const { name, judge, generation, seen } = each
    const facts = watch.rollout(name)
    if (seen && facts === undefined) throw failed(deploymentGoneFinding(name), [])
    if (facts === undefined || facts.deployment.generation < generation) return true
    each.seen = true
    const verdict = judge.judge(facts, ports.now())
    if (verdict.state === 'failed') throw failed(verdict.finding, facts.pods)
    if (verdict.state === 'complete') return false
    const refused = verdict.concerns.find((each) => each.code === 'POD_REFUSED' && judge.isStale(each, facts))
    if (refused && !each.retried) {
      each.retried = true
      // Without it, the controller tries again by itself: after a quarter of an hour at the latest.
      ports.workloads.retryPods(name, signal).catch(() => undefined)
    }
    lines.push(progressLine(facts, verdict.concerns))
    kinds.push(progressKind(facts, verdict.concerns))
    const finding = verdict.concerns[0] ?? stalledFinding(facts)
    if (finding) missing ??= failed(finding, facts.pods)
    return true
  })
  return { line: lines.join('; '), kind: kinds.join(), missing, done: open.length === 0 }
}

/**
 * The Jobs of earlier revisions' hooks, which stay until helm creates them anew; to be asked for before helm starts.
 * @returns their uids
 */
export async function formerHookJobs(
  { watch, signal }: Pick<Track, 'watch' | 'signal'>,
  plan: ServicePlan,
): Promise<Set<string>> {
  await until(watch, signal, () => true)
  return new Set(plan.hookJobs.flatMap((name) => watch.job(name)?.job.uid ?? []))
}

/**
 * Watches the Jobs that helm runs as hooks while helm itself only waits.
 * @returns when the signal is aborted; @throws {RolloutFailedError} when a hook has failed for good
 */
export async function trackHooks(
  { watch, signal }: Pick<Track, 'watch' | 'signal'>,
  plan: ServicePlan,
  former: ReadonlySet<string>,
  thresholds: RolloutThresholds,
): Promise<void> {
  const judge = new RolloutJudge(thresholds)
  await until(watch, signal, () => {
    if (watch.lost) return false
    for (const name of plan.hookJobs) {
      const seen = watch.job(name)
      if (seen === undefined || former.has(seen.job.uid)) continue
      const finding = judge.judgeHook(seen.job)
      if (finding) throw failed(finding, seen.pods)
    }
    return false
  })
}

function failed(finding: Finding, pods: PodFacts[]): RolloutFailedError {
  const pod = pods.find(({ uid }) => uid === finding.object.uid) ?? pods.find(({ ready }) => !ready)
  return new RolloutFailedError(finding, pod)
}

/** What makes a line of progress news. */
function progressKind(facts: RolloutFacts, [concern]: Finding[]): string {
  const { pods, old } = facts
  return `${isUnseen(facts)} ${pods.filter((pod) => pod.ready).length} ${old > 0} ${concern?.code}`
}

/** The Deployment controller has not acted on the change yet. */
function isUnseen({ deployment, replicaSet }: RolloutFacts): boolean {
  return replicaSet === undefined || deployment.observedGeneration < deployment.generation
}

function progressLine(facts: RolloutFacts, concerns: Finding[]): string {
  const { deployment, pods, old } = facts
  const { desired, available, minReadySeconds = 0 } = deployment
  if (isUnseen(facts)) return 'waiting for the Deployment controller'
  const count = pods.filter((pod) => pod.ready).length
  const parts = [`${count} of ${desired} new pods ready${old > 0 ? `, ${old} old` : ''}`]
  const [concern] = concerns
  if (concern) parts.push(`${concern.reason}: ${withEllipsis(concern.message.split('\n')[0] ?? '', CONCERN)}`)
  else if (count >= desired && available < desired && minReadySeconds > 0)
    parts.push(`each has to be ready for ${minReadySeconds} s`)
  return parts.join(', ')
}
