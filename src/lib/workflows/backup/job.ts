import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Jobs } from '../../adapters/kubernetes/jobs.ts'
import type { NamespaceLogs } from '../../adapters/kubernetes/namespace-logs.ts'
import type { LogNews } from '../../adapters/kubernetes/pod-log.ts'
import type { WorkloadWatch } from '../../adapters/kubernetes/workload-watch.ts'
import type { Finding } from '../../domain/diagnosis/catalogue.ts'
import type { RolloutThresholds } from '../../domain/environment.ts'
import { parseResultLine } from '../../domain/result-line.ts'
import type { ContainerFacts, PodFacts } from '../../domain/rollout/facts.ts'
import { RolloutJudge } from '../../domain/rollout/judge.ts'
import type { RolloutFailure } from '../../domain/rollout/report.ts'
import { until } from '../until.ts'

/** Of the log, for the case that the Job ends without telling a result. */
const LAST_LINES = 20
/** What a pod still writes once its end was seen. */
const LOG_END_MS = 15_000

export interface JobPorts {
  jobs: Pick<Jobs, 'create' | 'delete'>
  /** Of the Job's namespace. */
  logs: Pick<NamespaceLogs, 'of'>
  /** Of the Job's namespace; goes on while a Job that is stopped ends. */
  watch: WorkloadWatch
  thresholds: RolloutThresholds
  /** Milliseconds that a Job that is stopped may take to end. */
  graceMs: number
  /** A line that the Job wrote. */
  onLine: (line: string) => void
  now: () => number
  signal: AbortSignal
}

/** How a Job ended. */
export interface JobEnd {
  /** What it printed as its result, if it did. */
  document: unknown
  /** Of its container; undefined when its pod is gone or never ended by itself. */
  exitCode: number | undefined
  /** In Kubernetes' words, where it failed. */
  reason: string
  lastLines: string[]
}

/** A Job's pod cannot start. */
export class JobNotStartedError extends Error {
  readonly failure: RolloutFailure

  constructor(failure: RolloutFailure) {
    super(failure.finding.message)
    this.name = 'JobNotStartedError'
    this.failure = failure
  }
}

/**
 * Creates a Job and follows it to its end. Where it cannot start, or the signal aborts, it is deleted; what it did until
 * then it cleans up by itself.
 * @throws {JobNotStartedError} and the signal's reason
 */
export async function runJob(ports: JobPorts, job: Job): Promise<JobEnd> {
  const { jobs, watch, signal } = ports
  const run = new JobRun(ports, job.metadata?.name ?? '')
  // The watch sees the Job from its first moment.
  await until(watch, signal, () => true)
  try {
    await jobs.create(job, signal)
    await until(watch, signal, () => run.look())
    return await run.end()
  } catch (error) {
    if (signal.aborted || error instanceof JobNotStartedError) await run.stop()
    throw error
  } finally {
    run.close()
  }
}

/** One Job under way. */
class JobRun {
  readonly #ports: JobPorts
  readonly #name: string
  readonly #judge: RolloutJudge
  readonly #close = new AbortController()
  readonly #lines: string[] = []
  #document: unknown
  #isSeen = false
  #pod: PodFacts | undefined
  #failure: { reason: string; message: string } | undefined
  #log: Promise<void> | undefined

  constructor(ports: JobPorts, name: string) {
    this.#ports = ports
    this.#name = name
    this.#judge = new RolloutJudge(ports.thresholds)
  }

  /** Takes in what the watch shows. @returns whether the Job has ended */
  look(): boolean {
    const { watch, now } = this.#ports
    if (watch.lost) {
      this.#judge.forget()
      return false
    }
    const seen = watch.job(this.#name)
    if (seen === undefined)
      return this.#isSeen && this.#over({ reason: 'Deleted', message: 'the Job is gone' })
    this.#isSeen = true
    const { job, pods } = seen
    this.#pod = pods.toSorted((a, b) => b.createdAt - a.createdAt)[0] ?? this.#pod
    this.#follow()
    if (job.succeeded || job.failure || this.#container?.terminated) return this.#over(job.failure)
    const events = [job, ...pods].flatMap(({ uid }) => watch.eventsAbout(uid))
    const finding = this.#judge.judgeJob(job, pods, events, now())
    if (finding) throw new JobNotStartedError(this.#failureOf(finding))
    return false
  }

  /** Reads the log to its end and says how it went. */
  async end(): Promise<JobEnd> {
    const { terminated } = this.#container ?? {}
    await this.#readLog()
    return {
      document: this.#document,
      exitCode: terminated?.exitCode,
      reason: [terminated?.reason ?? this.#failure?.reason, terminated?.message || this.#failure?.message]
        .filter(Boolean)
        .join(': '),
      lastLines: this.#lines,
    }
  }

  /** Deletes the Job and waits for its pod to end, so that what it says of its clean-up is still seen. */
  async stop(): Promise<void> {
    const { jobs, watch, graceMs } = this.#ports
    const signal = AbortSignal.timeout(graceMs)
    await jobs.delete(this.#name, signal)
    const { uid } = this.#pod ?? {}
    const isGone = () => uid === undefined || watch.pod(uid) === undefined
    await until(watch, signal, isGone).catch(() => undefined)
  }

  close(): void {
    this.#close.abort()
  }

  get #container(): ContainerFacts | undefined {
    return this.#pod?.containers.find(({ init }) => !init)
  }

  #over(failure: { reason: string; message: string } | undefined): true {
    this.#failure = failure
    return true
  }

  #follow(): void {
    const container = this.#container
    const pod = this.#pod
    if (this.#log || !pod || !(container?.running || container?.terminated)) return
    const log = this.#ports.logs.of({ pod: pod.name, uid: pod.uid, container: container.name })
    this.#log = this.#read(log.follow({}, this.#close.signal))
    // Without its log a Job is still followed; what is missing then is its result.
    this.#log.catch(() => undefined)
  }

  async #read(log: AsyncIterable<LogNews>): Promise<void> {
    for await (const news of log) {
      if (news.type !== 'line') continue
      const { text } = news.line
      const document = parseResultLine(text)
      if (document !== undefined) {
        this.#document = document
        continue
      }
      this.#lines.push(text)
      if (this.#lines.length > LAST_LINES) this.#lines.shift()
      this.#ports.onLine(text)
    }
  }

  async #readLog(): Promise<void> {
    const timer = setTimeout(() => this.#close.abort(), LOG_END_MS)
    await this.#log?.catch(() => undefined)
    clearTimeout(timer)
  }

  #failureOf(finding: Finding): RolloutFailure {
    const about = [finding.object.uid]
    return {
      service: this.#name,
      finding,
      image: this.#container?.image,
      node: this.#pod?.node,
      events: about
        .flatMap((uid) => this.#ports.watch.eventsAbout(uid))
        .filter(({ type }) => type !== 'Normal'),
      logs: [],
    }
  }
}
