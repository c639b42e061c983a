import { setTimeout as delay } from 'node:timers/promises'
import { ToolError } from '../../process/runner.ts'

/** What helm prints when the API server, and not the release, is at fault. */
const TRANSIENT = [
  /another operation \(install\/upgrade\/rollback\) is in progress/,
  /Internal error occurred/,
  /an error on the server \(/,
  /the server is currently unable to handle the request/,
  /the server has received too many requests/,
  /unable to return a response in the time allotted/,
  /Operation cannot be fulfilled on/,
  /etcdserver:/,
  /connection (refused|reset|lost)/,
  /TLS handshake timeout/,
  /i\/o timeout/,
  /net\/http: request canceled/,
  /unexpected EOF|: EOF$/m,
]

/** True where the same helm command may succeed in a moment. */
export function isTransientFailure(error: unknown): boolean {
  return error instanceof ToolError && TRANSIENT.some((pattern) => pattern.test(error.result.stderr))
}

const BACKOFF_MS = [500, 1_000, 2_000, 4_000]

/** Runs a helm command that only reads until the API server answers it, for 7.5 s at most. */
export async function retryTransient<T>(run: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (const pause of BACKOFF_MS) {
    try {
      return await run()
    } catch (error) {
      if (!isTransientFailure(error)) throw error
      await delay(pause, undefined, { signal })
    }
  }
  return run()
}
