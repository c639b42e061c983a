import { createHash } from 'node:crypto'
import type { Container, ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import { type Fault, faultOf } from './faults.ts'

export interface LogLine {
  /** Milliseconds since the epoch. */
  time: number
  text: string
}

interface Run {
  started: number
  /** Undefined while it runs. */
  ended: number | undefined
  exitCode: number
}

/** Of a pod: what its containers write when they start, in place of what a service of the platform would. */
const LOG_ANNOTATION = 'sandbox.emr/log'

/**
 * A healthy service writes a line about every so many milliseconds, and older lines of a long run are rotated away.
 * Both can be set by annotations of the pod; with the first, a program that will fall writes them too.
 */
const INTERVAL = 'sandbox.emr/log-interval-ms'
const KEEP = 'sandbox.emr/log-keep'
const PERIOD_MS = 5_000
const MAX_PERIODIC_LINES = 500

/**
 * What a container has written by now. Nothing is stored: the lines follow from the pod's status, so that they are
 * the same at each reading and after a restart.
 * @param previous the run before this one
 */
export function containerLog(
  pod: Pod,
  name: string,
  { previous, now }: { previous: boolean; now: number },
): LogLine[] {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  const status = statuses.find((container) => container.name === name)
  const container = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find(
    (candidate) => candidate.name === name,
  )
  const run = status && runOf(status, previous)
  if (!run || !container) return []
  const told = annotation(pod, LOG_ANNOTATION)
  if (told !== undefined) return toldLines(told, run.started)
  const log = new LogWriter(pod, container)
  const fault = faultOf(pod, container)
  writeStart(log, run.started, isJob(pod), fault)
  const end = run.ended ?? now
  const isServing = fault === undefined || fault === 'slow' || annotation(pod, INTERVAL) !== undefined
  if (fault === 'unready') writePeriodic(pod, log, run.started, end, writeUnready)
  else if (!isJob(pod) && isServing) writePeriodic(pod, log, run.started, end, writeRequest)
  if (run.ended !== undefined) writeEnd(log, run.ended, run.exitCode, isJob(pod), fault)
  return run.ended === undefined ? log.lines.filter(({ time }) => time <= now) : log.lines
}

function annotation({ metadata }: Pod, name: string): string | undefined {
  return metadata?.annotations?.[name]
}

function toldLines(text: string, started: number): LogLine[] {
  return text.split('\n').map((line, index) => ({ time: started + index, text: line }))
}

function isJob({ spec }: Pod): boolean {
  return spec?.restartPolicy !== 'Always'
}

/** A container that waits to be restarted still shows the log of its last run. */
function runOf({ state, lastState }: ContainerStatus, previous: boolean): Run | undefined {
  const ended = previous || state?.waiting ? lastState?.terminated : state?.terminated
  if (ended) {
    const { startedAt = '', finishedAt = '', exitCode } = ended
    return { started: Date.parse(startedAt), ended: Date.parse(finishedAt), exitCode }
  }
  const running = previous ? undefined : state?.running
  return running && { started: Date.parse(running.startedAt ?? ''), ended: undefined, exitCode: 0 }
}

/** Structured JSON lines, as the platform's services write them. */
class LogWriter {
  readonly lines: LogLine[] = []
  readonly #fields: { service: string; version: string; pod: string }

  constructor({ metadata }: Pod, container: Container) {
    this.#fields = {
      service: metadata?.labels?.['app.kubernetes.io/name'] ?? metadata?.labels?.app ?? container.name,
      version: container.image?.split(':').at(-1) ?? '',
      pod: metadata?.name ?? '',
    }
  }

  get seed(): string {
    return this.#fields.pod
  }

  add(time: number, level: string, msg: string, fields: Record<string, unknown> = {}): void {
    // Where cluster time runs fast, a whole run may lie within one second of the status.
    const after = Math.max(time, (this.lines.at(-1)?.time ?? 0) + 1)
    const stamp = new Date(after).toISOString()
    this.lines.push({
      time: after,
      text: JSON.stringify({ time: stamp, level, ...this.#fields, msg, ...fields }),
    })
  }
}

function writeStart(log: LogWriter, started: number, job: boolean, fault: Fault | undefined): void {
  log.add(started, 'info', 'starting', { node: 'v24.11.1', pid: 1 })
  log.add(started + 40, 'info', 'configuration loaded', { source: '/etc/emr/config.yaml' })
  if (job) log.add(started + 80, 'info', 'job started')
  else if (fault === undefined || fault === 'slow') {
    log.add(started + 120, 'info', 'database pool ready', { size: 10, host: 'postgres', port: 5432 })
    log.add(started + 180, 'info', 'listening', { port: 8080 })
  }
}

function writePeriodic(
  pod: Pod,
  log: LogWriter,
  started: number,
  end: number,
  write: (log: LogWriter, time: number, index: number) => void,
): void {
  const period = Number(annotation(pod, INTERVAL)) || PERIOD_MS
  const kept = Number(annotation(pod, KEEP)) || MAX_PERIODIC_LINES
  const count = Math.floor((end - started) / period)
  for (let index = Math.max(1, count - kept); index <= count; index += 1) {
    write(log, started + index * period, index)
  }
}

function writeRequest(log: LogWriter, time: number, index: number): void {
  const random = createHash('sha256').update(`${log.seed}${index}`).digest()
  const requestId = random.toString('hex', 0, 8)
  const durationMs = 2 + ((random[8] ?? 0) % 40)
  log.add(time, 'info', 'request', {
    method: 'GET',
    path: '/health/ready',
    status: 200,
    durationMs,
    requestId,
  })
}

function writeUnready(log: LogWriter, time: number, index: number): void {
  log.add(time, 'error', 'readiness check failed', {
    check: 'database',
    attempt: index,
    error: 'connect ECONNREFUSED 10.0.40.15:5432',
    code: 'ECONNREFUSED',
  })
}

function writeEnd(
  log: LogWriter,
  ended: number,
  exitCode: number,
  job: boolean,
  fault: Fault | undefined,
): void {
  if (fault === 'oom') {
    // The kernel leaves the process no time for a last word.
    log.add(ended - 900, 'warn', 'event loop delayed', { delayMs: 412 })
    log.add(ended - 300, 'warn', 'heap close to its limit', { heapUsedMb: 471, heapLimitMb: 480 })
  } else if (exitCode !== 0) {
    const stack =
      'Error: connect ECONNREFUSED 10.0.40.15:5432\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)\n    at async connect (/app/dist/database.js:41:5)\n    at async main (/app/dist/main.js:17:3)'
    log.add(ended - 30, 'error', 'cannot connect to the database', {
      host: '10.0.40.15',
      port: 5432,
      code: 'ECONNREFUSED',
      stack,
    })
    log.add(ended - 10, 'fatal', `uncaught error, exiting with code ${exitCode}`)
  } else if (job) {
    log.add(ended - 10, 'info', 'job done')
  } else {
    log.add(ended - 20, 'info', 'SIGTERM received, closing connections')
  }
}
