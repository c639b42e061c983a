import { setTimeout as delay } from 'node:timers/promises'
import type { WorkloadWatch } from '../adapters/kubernetes/workload-watch.ts'

/** Some verdicts fall by the passing of time alone, so the clock is looked at even when nothing changes. */
const TICK_MS = 250

/** Checks what a watch shows on every change and every tick, until the check says true. */
export async function until(watch: WorkloadWatch, signal: AbortSignal, check: () => boolean): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    if (watch.refusal) throw watch.refusal
    if (watch.complete && check()) return
    const wake = new AbortController()
    const change = () => wake.abort()
    watch.once('change', change)
    await delay(TICK_MS, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined)
    watch.off('change', change)
  }
}
