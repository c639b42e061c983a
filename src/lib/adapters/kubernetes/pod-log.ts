import { setTimeout as delay } from 'node:timers/promises'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { LogCursor, type LogLine } from '../../domain/logs/cursor.ts'
import { loginFor } from '../../errors.ts'
import { isApiError, isNoLog, isTransient } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { podFacts } from './facts.ts'
import { resourcePath, resources } from './resources.ts'
import type { LinesOptions } from './transport.ts'

export interface LogQuery {
  /** Only lines of the last so many milliseconds. */
  sinceMs?: number
  /** Only so many lines of each container, the last ones. */
  tail?: number
  /** Characters to keep of each line. Default: all. */
  most?: number
}

/** What becomes of a container while its log is followed. */
export type LogNews =
  | { type: 'line'; line: LogLine }
  /** It runs anew; `lost` runs in between can no longer be read. */
  | { type: 'restart'; exitCode: number | undefined; lost: number }
  | { type: 'connection'; error: Error | undefined }

/** One container of one pod; another pod of the same name has another uid. */
export interface LogSource {
  pod: string
  uid: string
  container: string
}

/** Of one container, where it is not followed. */
export const READ_BYTES = 256 * 1024 * 1024
const READ_RETRIES = 3
const MAX_BACKOFF_MS = 5_000
/** A container that is down is looked at this often when no watch tells of it. */
const LOOK_MS = 1_000

interface Now {
  restarts: number
  running: boolean
  exitCode: number | undefined
  /** It will not run again. */
  over: boolean
}

/** The log of one container, each line once and in order, over restarts, rotation and lost connections. */
export class ContainerLog {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #source: LogSource
  readonly #cursor = new LogCursor()
  /** Restarts that the log has been read up to. */
  #runs: number | undefined
  #failures = 0

  constructor(client: KubernetesClient, namespace: string, source: LogSource) {
    this.#client = client
    this.#namespace = namespace
    this.#source = source
  }

  /**
   * What it has written by now, up to `READ_BYTES`; nothing where it has not started. A lost connection is taken up where
   * it broke.
   * @param query.previous the run before this one
   * @returns whether there was more than is read
   */
  async *read(
    query: LogQuery & { previous: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<LogLine, boolean> {
    const { previous, most } = query
    let bytes = 0
    while (true) {
      const since = this.#cursor.since
      const from = since === undefined ? first(query) : { sinceTime: since }
      this.#cursor.catchUp()
      const options = {
        most,
        onEnd: (read: number) => {
          bytes = read
        },
      }
      try {
        for await (const raw of this.#lines({ ...from, previous, limitBytes: READ_BYTES }, signal, options)) {
          const line = this.#cursor.take(raw)
          if (line === undefined) continue
          this.#failures = 0
          yield line
        }
        return bytes >= READ_BYTES
      } catch (error) {
        if (isNoLog(error)) return false
        this.#failures += 1
        if (signal.aborted || !isTransient(error) || this.#failures > READ_RETRIES) throw error
        await pause(100 * 2 ** this.#failures, signal)
      }
    }
  }

  /** Follows it until the pod is gone or the signal aborts. */
  async *follow(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogNews> {
    let isOver = false
    let told: string | undefined
    while (!isOver && !signal.aborted) {
      try {
        isOver = yield* this.#turn(query, signal)
      } catch (error) {
        if (signal.aborted) return
        const login = loginFor(error)
        if (!isTransient(error) && login === undefined) throw error
        this.#failures += 1
        const isFirst = this.#failures === 1
        // That somebody has to log in is said also where it comes out after the connection was lost.
        const isNews = isFirst || (login !== undefined && login !== told)
        told = isFirst ? login : (login ?? told)
        if (isNews) yield { type: 'connection', error: error as Error }
        await pause(Math.min(MAX_BACKOFF_MS, 100 * 2 ** this.#failures) * (0.5 + Math.random() / 2), signal)
      }
    }
  }

  /** One stream and what came after it. @returns whether there will be nothing more */
  async *#turn(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogNews, boolean> {
    const startedAt = Date.now()
    yield* this.#run(query, signal)
    if (this.#failures > 0) yield { type: 'connection', error: undefined }
    this.#failures = 0
    const now = await this.#look(signal)
    if (now === undefined) return true
    const isDown = !now.running && now.restarts === this.#runs
    if (isDown) yield* this.#rest(query, signal)
    if (isDown && now.over) return true
    // A server that ends each stream at once must not be asked without a pause.
    if (isDown || Date.now() - startedAt < LOOK_MS) await pause(isDown ? LOOK_MS : 100, signal)
    return false
  }

  /** One stream, to its end. */
  async *#run(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogNews> {
    const opened = Promise.withResolvers<void>()
    const since = this.#cursor.since
    this.#cursor.catchUp()
    const lines = this.#lines(
      { follow: true, ...(since === undefined ? first(query) : { sinceTime: since }) },
      signal,
      { most: query.most, onOpen: opened.resolve },
    )
    const next = lines.next()
    try {
      await Promise.race([opened.promise, next])
      // Asked after the stream was opened: it is of this run, or of one before it.
      const now = await this.#look(signal)
      if (now !== undefined) yield* this.#passRestarts(now, query, signal)
      for (let step = await next; !step.done; step = await lines.next()) {
        const line = this.#cursor.take(step.value)
        if (line) yield { type: 'line', line }
      }
    } catch (error) {
      if (!isNoLog(error)) throw error
    } finally {
      next.catch(() => undefined)
      await lines.return(undefined).catch(() => undefined)
    }
  }

  /** What the run before had still to say, before the new one speaks. */
  async *#passRestarts(now: Now, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogNews> {
    const { restarts, exitCode } = now
    const known = this.#runs
    this.#runs = restarts
    if (known === undefined || restarts <= known) return
    yield* this.#rest(query, signal, true)
    yield { type: 'restart', exitCode, lost: restarts - known - 1 }
    this.#cursor.catchUp()
  }

  /** Lines that came after the stream had ended. */
  async *#rest({ most }: LogQuery, signal: AbortSignal, previous = false): AsyncGenerator<LogNews> {
    this.#cursor.catchUp()
    try {
      const query = { previous, sinceTime: this.#cursor.since, limitBytes: READ_BYTES }
      for await (const raw of this.#lines(query, signal, { most })) {
        const line = this.#cursor.take(raw)
        if (line) yield { type: 'line', line }
      }
    } catch (error) {
      if (!isNoLog(error)) throw error
    }
  }

  #lines(
    query: Record<string, string | number | boolean | undefined>,
    signal: AbortSignal,
    options: Pick<LinesOptions, 'most' | 'onOpen' | 'onEnd'>,
  ) {
    const { pod: name, container } = this.#source
    const path = resourcePath(resources.pods, { namespace: this.#namespace, name, subresource: 'log' })
    return this.#client.lines(path, { query: { container, timestamps: true, ...query }, signal, ...options })
  }

  /** The container as it is; undefined when its pod is gone. */
  async #look(signal: AbortSignal): Promise<Now | undefined> {
    const { pod: name, uid, container } = this.#source
    try {
      const pod = await this.#client.get<Pod>(resources.pods, name, { namespace: this.#namespace, signal })
      const facts = podFacts(pod)
      const found = facts.containers.find((each) => each.name === container)
      if (facts.uid !== uid) return undefined
      // Beside a container that ended for good another one may keep the pod from its end.
      const runsOnce =
        found?.init && !found.sidecar
          ? found.terminated?.exitCode === 0
          : pod.spec?.restartPolicy === 'Never' && !found?.sidecar
      return {
        restarts: found?.restarts ?? 0,
        running: found?.running ?? false,
        exitCode: found?.last?.exitCode,
        over: (found?.terminated && runsOnce) || facts.phase === 'Succeeded' || facts.phase === 'Failed',
      }
    } catch (error) {
      if (isApiError(error, 404)) return undefined
      throw error
    }
  }
}

function first({ sinceMs, tail }: LogQuery): Record<string, number | undefined> {
  return {
    sinceSeconds: sinceMs === undefined ? undefined : Math.max(1, Math.ceil(sinceMs / 1000)),
    tailLines: tail,
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}
