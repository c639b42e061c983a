import { setTimeout as delay } from 'node:timers/promises'
import { isTransient } from './api-error.ts'

const PAUSE_MS = 500
/** An API server that is away for longer than this is not waited for. */
const PATIENCE_MS = 60_000

/** Repeats a request while the API server is out of reach: what is to be on record must not be lost to a hiccup. */
export async function untilAnswered<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T> {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      return await request()
    } catch (error) {
      if (signal.aborted || !isTransient(error) || Date.now() > until) throw error
      await delay(PAUSE_MS, undefined, { signal })
    }
  }
}
