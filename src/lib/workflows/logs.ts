import type { NamespaceLogs } from '../adapters/kubernetes/namespace-logs.ts'
import type { LogQuery, LogSource } from '../adapters/kubernetes/pod-log.ts'
import { maskPatientData } from '../domain/logs/mask.ts'
import type { PodFacts } from '../domain/rollout/facts.ts'
import { loginFor } from '../errors.ts'

export interface LogsRequest extends LogQuery {
  previous: boolean
  /** Undefined: all, also init containers. */
  container: string | undefined
  grep: RegExp | undefined
  unmasked: boolean
}

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

/** Containers that are read at the same time where nothing is followed. */
const READERS = 8

/** What the containers have written by now, in the order of time. @throws {KubernetesApiError} */
export async function readLogs({ logs, signal }: LogsPorts, request: LogsRequest): Promise<LogEntry[]> {
  const sources = (await logs.pods(signal)).flatMap((pod) => sourcesOf(pod, request))
  const entries: LogEntry[] = []
  const reader = async () => {
    for (let source = sources.shift(); source !== undefined; source = sources.shift()) {
      for await (const { time, text } of logs.of(source).read(request, signal)) {
        const entry = lineEntry(source, time, text, request)
        if (entry) entries.push(entry)
      }
    }
  }
  await Promise.all(Array.from({ length: READERS }, reader))
  // Stable: lines of one container stay as they were written.
  return entries.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
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
    const query = isNew ? {} : request
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

function lineEntry(
  { pod, container }: LogSource,
  time: string,
  raw: string,
  { grep, unmasked }: LogsRequest,
): LogEntry | undefined {
  const text = unmasked ? raw : maskPatientData(raw)
  if (grep && !grep.test(text)) return undefined
  return { type: 'line', time, pod, container, text }
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
