import { z } from 'zod'
import { StatusError } from './status.ts'

/** What the API server is told to do wrong to outside clients, by `PUT /sandbox/faults`. */
export const apiFaultsSchema = z.strictObject({
  /** Answer with an error instead of doing the work. The first that matches counts. */
  errors: z
    .array(
      z.strictObject({
        /** HTTP method; all when absent. */
        method: z.string().optional(),
        /** Regular expression on path and query; all when absent. */
        path: z.string().optional(),
        status: z.union([z.literal(429), z.literal(500), z.literal(503)]),
        /** Seconds in the Retry-After header. */
        retryAfterSeconds: z.int().min(0).optional(),
        /** How many requests; without end when absent. */
        count: z.int().positive().optional(),
        /** The share of requests that it hits, from 0 to 1. */
        share: z.number().min(0).max(1).default(1),
        /** How long from now. */
        seconds: z.number().positive().optional(),
      }),
    )
    .default([]),
  /** Milliseconds before each answer. */
  latencyMs: z.number().min(0).default(0),
  /** Verbs on resources to forbid; `*` for all. */
  denied: z.array(z.strictObject({ verb: z.string(), resource: z.string() })).default([]),
  /** Refuse the token, as if the credentials had expired. */
  refuseTokens: z.boolean().default(false),
})

export type ApiFaults = z.infer<typeof apiFaultsSchema>
export type ApiFaultsInput = z.input<typeof apiFaultsSchema>

const REASONS: Record<number, [reason: string, message: string]> = {
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  500: ['InternalError', 'Internal error occurred: etcdserver: request timed out'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
}

/** The faults in force, with how often each may still hit. */
export class FaultPlan {
  #faults: ApiFaults = apiFaultsSchema.parse({})
  #left: number[] = []
  #since = Date.now()

  get current(): ApiFaults {
    return this.#faults
  }

  set(faults: ApiFaults): void {
    this.#faults = faults
    this.#left = faults.errors.map(({ count }) => count ?? Infinity)
    this.#since = Date.now()
  }

  /** @throws {StatusError} the error that this request is to get */
  strike(method: string, url: string): void {
    if (this.#faults.refuseTokens) throw new StatusError(401, 'Unauthorized', 'Unauthorized')
    for (const [index, fault] of this.#faults.errors.entries()) {
      const over = fault.seconds !== undefined && Date.now() - this.#since > fault.seconds * 1000
      if (over || (this.#left[index] ?? 0) <= 0) continue
      if (fault.method !== undefined && fault.method !== method) continue
      if (fault.path !== undefined && !new RegExp(fault.path).test(url)) continue
      if (Math.random() >= fault.share) continue
      this.#left[index] = (this.#left[index] ?? 0) - 1
      const [reason, message] = REASONS[fault.status] ?? ['InternalError', 'Internal error occurred']
      const { retryAfterSeconds } = fault
      throw new StatusError(
        fault.status,
        reason,
        message,
        retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
      )
    }
  }

  get denies(): boolean {
    return this.#faults.denied.length > 0
  }

  isDenied(verb: string, resource: string): boolean {
    return this.#faults.denied.some(
      (rule) =>
        (rule.verb === '*' || rule.verb === verb) && (rule.resource === '*' || rule.resource === resource),
    )
  }
}
