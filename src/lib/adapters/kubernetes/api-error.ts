import type { ApiStatus } from './types.ts'

/** A refusal by the API server (HTTP status of 400 and above). */
export class KubernetesApiError extends Error {
  readonly status: number
  /** metav1.StatusReason, for example `NotFound`, `Conflict`, `Expired`. */
  readonly reason: string
  readonly body: ApiStatus
  /** From the Retry-After header, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, body: ApiStatus, options: { request: string; retryAfterMs?: number }) {
    super(body.message ?? `${options.request}: HTTP ${status}`)
    this.name = 'KubernetesApiError'
    this.status = status
    this.reason = body.reason ?? ''
    this.body = body
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The API server could not be asked at all: name, route, TLS or a broken connection. */
export class KubernetesConnectionError extends Error {
  readonly server: string

  constructor(server: string, cause: Error) {
    super(`${server}: ${cause.message || (cause as NodeJS.ErrnoException).code || cause.name}`, { cause })
    this.name = 'KubernetesConnectionError'
    this.server = server
  }
}

/** True for an answer of this HTTP status. */
export function isApiError(error: unknown, status: number): error is KubernetesApiError {
  return error instanceof KubernetesApiError && error.status === status
}

/** True where the same request may succeed in a moment: no answer, throttled, or a fault of the server. */
export function isTransient(error: unknown): boolean {
  if (error instanceof KubernetesConnectionError) return true
  return error instanceof KubernetesApiError && (error.status === 429 || error.status >= 500)
}
