import { isApiError } from '../../adapters/kubernetes/api-error.ts'

/** @returns real milliseconds until the key is to be looked at again, or nothing */
export type Reconcile = (key: string) => Promise<number | undefined>

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5_000
const PARALLEL = 8

/**
 * Keys to be reconciled: each at most once at a time, at most once in the queue, and again with growing pauses after
 * an error.
 */
export class WorkQueue {
  readonly #reconcile: Reconcile
  readonly #waiting = new Set<string>()
  readonly #running = new Set<string>()
  readonly #timers = new Map<string, { at: number; timer: NodeJS.Timeout }>()
  readonly #failures = new Map<string, number>()
  #isStopped = false
  #isStarted = false

  constructor(signal: AbortSignal, reconcile: Reconcile) {
    this.#reconcile = reconcile
    signal.addEventListener('abort', () => {
      this.#isStopped = true
      for (const { timer } of this.#timers.values()) clearTimeout(timer)
    })
  }

  start(): void {
    this.#isStarted = true
    this.#next()
  }

  /** @param afterMs real milliseconds; of several, the earliest counts */
  add(key: string, afterMs = 0): void {
    if (this.#isStopped) return
    const at = Date.now() + afterMs
    const planned = this.#timers.get(key)
    if (afterMs <= 0) {
      this.#clear(key)
      this.#waiting.add(key)
      setImmediate(() => this.#next())
    } else if (!planned || planned.at > at) {
      this.#clear(key)
      const timer = setTimeout(() => {
        this.#timers.delete(key)
        this.add(key)
      }, afterMs)
      this.#timers.set(key, { at, timer })
    }
  }

  #clear(key: string): void {
    clearTimeout(this.#timers.get(key)?.timer)
    this.#timers.delete(key)
  }

  #next(): void {
    if (!this.#isStarted) return
    for (const key of this.#waiting) {
      if (this.#running.size >= PARALLEL || this.#isStopped) return
      if (this.#running.has(key)) continue
      this.#waiting.delete(key)
      this.#running.add(key)
      void this.#run(key)
    }
  }

  async #run(key: string): Promise<void> {
    try {
      const again = await this.#reconcile(key)
      this.#failures.delete(key)
      if (again !== undefined) this.add(key, Math.max(1, again))
    } catch (error) {
      this.#retry(key, error)
    } finally {
      this.#running.delete(key)
      this.#next()
    }
  }

  #retry(key: string, error: unknown): void {
    if (this.#isStopped) return
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    // Conflicts and missing objects are the ordinary way of hearing that the world has moved on.
    if (!isApiError(error, 409) && !isApiError(error, 404) && !isApiError(error, 403))
      console.error(key, error)
    this.add(key, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)))
  }
}
