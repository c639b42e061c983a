import type { NamespaceLogs } from '../adapters/kubernetes/namespace-logs.ts'
import type { LogQuery, LogSource } from '../adapters/kubernetes/pod-log.ts'
import { withEllipsis } from '../domain/ellipsis.ts'
import { SHOWN_LENGTH } from '../domain/lines.ts'
import { MASK_MARGIN, maskedStart, maskPatientData } from '../domain/logs/mask.ts'
import { inOrderOfTime } from '../domain/logs/merge.ts'
import type { PodFacts } from '../domain/rollout/facts.ts'
import { loginFor } from '../errors.ts'

export interface LogsRequest extends LogQuery {
  previous: boolean
  /** Undefined: all, also init containers. */
  container: string | undefined
  grep: RegExp | undefined
  unmasked: boolean
  /** For programs; people get the beginning of a long line. */
  wholeLines: boolean
}

const TOO_LONG = 'there is more than is read of one log; narrow it with --since or --tail'
/** A line begins with its time. */
const TIME_LENGTH = 40

/** What is shown: a line, or something that happened to a container. */
export interface LogEntry {
  type: 'line' | 'mark'
  time: string
  pod: string
  container: string
  text: string
}

export interface LogsPorts {
  logs: Pick<NamespaceLogs, keyof NamespaceLogs>
  signal: AbortSignal
}

/**
 * What the containers have written by now, in the order of time. All are read at once and none ahead of the others, so
 * what is held in memory is a line and a buffer of each.
 * @throws {KubernetesApiError}
 */
export async function* readLogs({ logs, signal }: LogsPorts, request: LogsRequest): AsyncGenerator<LogEntry> {
  const sources = (await logs.pods(signal)).flatMap((pod) => sourcesOf(pod, request))
  yield* inOrderOfTime(sources.map((source) => entriesOf(logs, source, request, signal)))
}

async function* entriesOf(
  logs: LogsPorts['logs'],
  source: LogSource,
  request: LogsRequest,
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  const lines = logs.of(source).read(queryOf(request), signal)
  for (let step = await lines.next(); ; step = await lines.next()) {
    if (step.done) {
      if (step.value) yield mark(source, TOO_LONG)
      return
    }
    const entry = lineEntry(source, step.value.time, step.value.text, request)
    if (entry) yield entry
  }
}

/**
 * Follows all containers that are there and that come, until the signal aborts.
 * @param onEntry awaited before the next line of the same container is read
 * @throws what the API server refuses for good
 */
export async function followLogs(
  { logs, signal }: LogsPorts,
  request: LogsRequest,
  onEntry: (entry: LogEntry) => Promise<void> | void,
): Promise<void> {
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
  const known = new Set<string>()
  const failed = Promise.withResolvers<never>()
  let started = false
  const follow = async (pod: PodFacts, source: LogSource, isNew: boolean) => {
    if (isNew) await onEntry(mark(source, newPodText(await logs.revisionOf(pod, until))))
    // What a pod says that came while others were followed is wanted from its first line on.
    const { most } = queryOf(request)
    const query = isNew ? { most } : { ...request, most }
    for await (const news of logs.of(source).follow(query, until)) {
      if (news.type === 'line') {
        const entry = lineEntry(source, news.line.time, news.line.text, request)
        if (entry) await onEntry(entry)
      } else if (news.type === 'restart') await onEntry(mark(source, restartText(news)))
      else await onEntry(mark(source, connectionText(news.error)))
    }
    if (!until.aborted) await onEntry(mark(source, 'ended'))
  }
  const watching = logs.watch((pod) => {
    for (const source of sourcesOf(pod, request)) {
      const key = `${source.uid}/${source.container}`
      if (known.has(key)) continue
      known.add(key)
      follow(pod, source, started).catch(failed.reject)
    }
    // The first list comes in one turn of the event loop.
    setImmediate(() => {
      started = true
    })
  }, until)
  try {
    await Promise.race([watching, failed.promise])
  } finally {
    stop.abort()
  }
}

/** Containers that have not started yet are followed too: their log comes. */
function sourcesOf({ name, uid, containers }: PodFacts, { container }: LogsRequest): LogSource[] {
  return containers
    .filter((each) => container === undefined || each.name === container)
    .map((each) => ({ pod: name, uid, container: each.name }))
}

/** What is not shown is not kept either, where nothing looks for it. */
function queryOf(request: LogsRequest): LogsRequest & LogQuery {
  const isCut = !request.wholeLines && request.grep === undefined
  return { ...request, most: isCut ? TIME_LENGTH + SHOWN_LENGTH + MASK_MARGIN : undefined }
}

function lineEntry(
  { pod, container }: LogSource,
  time: string,
  raw: string,
  request: LogsRequest,
): LogEntry | undefined {
  const text = shownText(raw, request)
  return text === undefined ? undefined : { type: 'line', time, pod, container, text }
}

/** @returns undefined where the line is not wanted */
export function shownText(raw: string, { grep, unmasked, wholeLines }: LogsRequest): string | undefined {
  if (grep === undefined && !wholeLines && !unmasked) return maskedStart(raw, SHOWN_LENGTH)
  const text = unmasked ? raw : maskPatientData(raw)
  if (grep && !grep.test(text)) return undefined
  return wholeLines ? text : withEllipsis(text, SHOWN_LENGTH)
}

function mark({ pod, container }: LogSource, text: string): LogEntry {
  return { type: 'mark', time: new Date().toISOString(), pod, container, text }
}

function newPodText(revision: string | undefined): string {
  return revision === undefined ? 'new pod' : `new pod of revision ${revision}`
}

function restartText({ exitCode, lost }: { exitCode: number | undefined; lost: number }): string {
  const code = exitCode === undefined ? '' : ` after exit code ${exitCode}`
  return `restarted${code}${lost > 0 ? `; the log of ${lost} runs before can no longer be read` : ''}`
}

function connectionText(error: Error | undefined): string {
  if (error === undefined) return 'connected again'
  const login = loginFor(error)
  return login ? `no news: ${error.message}; run: ${login}` : `no news, reconnecting: ${error.message}`
}
