import { EmrError, type ErrorOptions, ExitCode } from '../../errors.ts'
import type { ApiStatus } from './types.ts'

const REFUSALS: Record<number, Pick<ErrorOptions, 'code' | 'exitCode' | 'suggestions'>> = {
  401: { code: 'CLUSTER_UNAUTHORIZED', exitCode: ExitCode.preflight, suggestions: ['emr doctor'] },
  403: { code: 'CLUSTER_FORBIDDEN', exitCode: ExitCode.preflight, suggestions: ['emr doctor'] },
}

/** A refusal by the API server (HTTP status of 400 and above). */
export class KubernetesApiError extends EmrError {
  readonly status: number
  /** metav1.StatusReason, for example `NotFound`, `Conflict`, `Expired`. */
  readonly reason: string
  readonly body: ApiStatus
  /** From the Retry-After header, in milliseconds. */
  readonly retryAfterMs: number | undefined

  /** @param options.login what to type for new credentials, where that is known */
  constructor(
    status: number,
    body: ApiStatus,
    options: { request: string; retryAfterMs?: number; login?: string },
  ) {
    super(refusalText(status, body.message ?? `${options.request}: HTTP ${status}`), {
      ...(REFUSALS[status] ?? { code: 'CLUSTER_FAILED', exitCode: ExitCode.tool }),
      ...(status === 401 && options.login !== undefined && { suggestions: [options.login, 'emr doctor'] }),
      details: { request: options.request, status, reason: body.reason },
    })
    this.name = 'KubernetesApiError'
    this.status = status
    this.reason = body.reason ?? ''
    this.body = body
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The API server could not be asked at all: name, route, TLS or a broken connection. */
export class KubernetesConnectionError extends EmrError {
  readonly server: string

  constructor(server: string, cause: Error) {
    const why = cause.message || (cause as NodeJS.ErrnoException).code || cause.name
    super(`The API server ${server} does not answer: ${why}`, {
      code: 'CLUSTER_UNREACHABLE',
      exitCode: ExitCode.preflight,
      suggestions: ['emr doctor'],
      cause,
    })
    this.name = 'KubernetesConnectionError'
    this.server = server
  }
}

/** To a wrong token the server says `Unauthorized` and no more. */
function refusalText(status: number, message: string): string {
  return status === 401 ? `The API server does not accept the credentials: ${message}` : message
}

/** True for an answer of this HTTP status. */
export function isApiError(error: unknown, status: number): error is KubernetesApiError {
  return error instanceof KubernetesApiError && error.status === status
}

/** A webhook that could not be asked, or that refused: the API server itself is well. */
const ADMISSION = /failed calling webhook|admission webhook/

/** True for an error of admission, which each further try of the same request is likely to meet again. */
export function isAdmissionError(error: unknown): boolean {
  return error instanceof KubernetesApiError && ADMISSION.test(error.message)
}

/** What the log endpoint says of a container that has no log: 400 also stands for a wrong request. */
const NO_LOG = /is waiting to start|previous terminated container .* not found|does not have a host assigned/

/** True where there is no log, and not an error: the container has not started, has no previous run, or its pod is gone. */
export function isNoLog(error: unknown): boolean {
  return isApiError(error, 404) || (isApiError(error, 400) && NO_LOG.test(error.message))
}

/** True where the same request may succeed in a moment: no answer, throttled, or a fault of the server. */
export function isTransient(error: unknown): boolean {
  if (error instanceof KubernetesConnectionError) return true
  return error instanceof KubernetesApiError && (error.status === 429 || error.status >= 500)
}
