import type { Job, JobCondition } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { timestamp } from '../json.ts'
import type { Cluster } from './cluster.ts'
import { controllerOf } from './owners.ts'
import { createPods, isActive, isReady, MANAGER } from './pods.ts'
import { types } from './types.ts'

const SOURCE = { component: 'job-controller' }
/** Before a failed pod is replaced: doubles with each failure, from 10 s to 6 minutes. */
const FIRST_BACKOFF_SECONDS = 10
const LAST_BACKOFF_SECONDS = 360

/** Job -> Pods; after pkg/controller/job, without indexes and pod failure policies. */
export function startJobs(cluster: Cluster): void {
  const jobs = cluster.collection<Job>(types.jobs)
  const pods = cluster.collection<Pod>(types.pods)
  const queue = cluster.queue(async (uid) => {
    const job = jobs.byUid(uid)
    if (!job || job.metadata?.deletionTimestamp) return undefined
    return isFinished(job) ? expire(cluster, job) : sync(cluster, job, pods.ownedBy(uid))
  })
  jobs.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.uid ?? '')
  })
  pods.onChange((pod) => {
    const owner = controllerOf(pod)
    if (owner?.kind === 'Job') queue.add(owner.uid)
  })
}

function isFinished({ status }: Job): boolean {
  return status?.conditions?.some(({ type, status: value }) => isEnd(type) && value === 'True') ?? false
}

function isEnd(type: string): boolean {
  return type === 'Complete' || type === 'Failed'
}

async function sync(cluster: Cluster, job: Job, owned: Pod[]): Promise<number | undefined> {
  const { spec, status } = job
  const startTime = status?.startTime ?? timestamp()
  const succeeded = owned.filter((pod) => pod.status?.phase === 'Succeeded').length
  const failedPods = owned.filter((pod) => pod.status?.phase === 'Failed')
  const active = owned.filter(isActive)
  const wanted = spec?.completions ?? spec?.parallelism ?? 1
  const failure = failureOf(cluster, job, failedPods.length + restarts(active), startTime)
  const counts = {
    startTime,
    active: active.length || undefined,
    ready: active.filter(isReady).length,
    succeeded: succeeded || undefined,
    failed: failedPods.length || undefined,
    terminating: owned.filter(({ metadata }) => metadata?.deletionTimestamp).length,
    uncountedTerminatedPods: {},
  }
  if (failure) {
    await Promise.all(active.map((pod) => cluster.delete(types.pods, pod)))
    await finish(cluster, job, { ...counts, active: undefined, ready: 0 }, failure)
    return undefined
  }
  if (succeeded >= wanted) {
    const done = {
      type: 'Complete',
      reason: 'CompletionsReached',
      message: 'Reached expected number of succeeded pods',
    }
    await finish(cluster, job, { ...counts, completionTime: timestamp() }, done)
    return undefined
  }
  const missing = Math.min(spec?.parallelism ?? 1, wanted - succeeded) - active.length
  const wait = missing > 0 ? backOff(cluster, failedPods) : 0
  const updated = await cluster.setStatus(types.jobs, job, { ...status, ...counts }, MANAGER)
  if (missing > 0 && wait <= 0 && !spec?.suspend && spec) {
    const owner = { type: types.jobs, object: updated, component: SOURCE.component }
    const refused = await createPods(cluster, owner, spec.template, missing)
    if (refused) return cluster.clock.milliseconds(FIRST_BACKOFF_SECONDS)
  }
  return wait > 0 ? wait : untilDeadline(cluster, job, startTime)
}

/** Restarts within pods that are restarted on failure count like failed pods. */
function restarts(pods: Pod[]): number {
  return pods
    .filter(({ spec }) => spec?.restartPolicy === 'OnFailure')
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .reduce((sum, { restartCount }) => sum + restartCount, 0)
}

type End = Pick<JobCondition, 'type' | 'reason' | 'message'>

function failureOf(cluster: Cluster, { spec }: Job, failures: number, startTime: string): End | undefined {
  if (failures > (spec?.backoffLimit ?? 6)) {
    const message = 'Job has reached the specified backoff limit'
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message }
  }
  const deadline = spec?.activeDeadlineSeconds
  if (deadline === undefined || cluster.clock.since(Date.parse(startTime)) < deadline) return undefined
  return {
    type: 'Failed',
    reason: 'DeadlineExceeded',
    message: 'Job was active longer than specified deadline',
  }
}

async function finish(cluster: Cluster, job: Job, counts: object, end: End): Promise<void> {
  const now = timestamp()
  const condition = { ...end, status: 'True', lastProbeTime: now, lastTransitionTime: now }
  const conditions = [...(job.status?.conditions ?? []), condition]
  await cluster.setStatus(types.jobs, job, { ...job.status, ...counts, conditions }, MANAGER)
  const draft =
    end.type === 'Complete'
      ? ({ type: 'Normal', reason: 'Completed', message: 'Job completed' } as const)
      : ({ type: 'Warning', reason: end.reason ?? '', message: end.message ?? '' } as const)
  cluster.events.record(job, SOURCE, draft)
}

/** @returns real milliseconds until a failed pod may be replaced */
function backOff(cluster: Cluster, failed: Pod[]): number {
  if (failed.length === 0) return 0
  const ends = failed.map(({ status }) =>
    Math.max(
      ...(status?.containerStatuses ?? []).map(
        ({ state }) => Date.parse(state?.terminated?.finishedAt ?? '') || 0,
      ),
    ),
  )
  const seconds = Math.min(LAST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (failed.length - 1))
  return cluster.clock.milliseconds(seconds - cluster.clock.since(Math.max(...ends)))
}

function untilDeadline(cluster: Cluster, { spec }: Job, startTime: string): number | undefined {
  if (spec?.activeDeadlineSeconds === undefined) return undefined
  const left = spec.activeDeadlineSeconds - cluster.clock.since(Date.parse(startTime))
  return cluster.clock.milliseconds(Math.max(0, left)) + 1
}

/** The TTL controller: finished Jobs go after ttlSecondsAfterFinished. */
async function expire(cluster: Cluster, job: Job): Promise<number | undefined> {
  const ttl = job.spec?.ttlSecondsAfterFinished
  if (ttl === undefined) return undefined
  const end = job.status?.conditions?.find(({ type }) => isEnd(type))
  const left = ttl - cluster.clock.since(Date.parse(end?.lastTransitionTime ?? ''))
  if (left > 0) return cluster.clock.milliseconds(left) + 1
  await cluster.delete(types.jobs, job, { propagationPolicy: 'Background' })
  return undefined
}
