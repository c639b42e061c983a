import type { Lease } from 'kubernetes-types/coordination/v1.js'
import { z } from 'zod'
import { type Freeze, type Holder, nameOf } from './lock-holder.ts'

export const LEASE_NAME = 'emr-lock'
const HOLDER = 'emr/holder'
const FREEZE = 'emr/freeze'
const AUDIT_HEAD = 'emr/audit-head'
const UNREADABLE = 'unreadable'

const holderSchema: z.ZodType<Holder> = z.object({
  id: z.string(),
  operation: z.string(),
  by: z.string(),
  host: z.string(),
  pid: z.int(),
  run: z.string().optional(),
  since: z.string(),
}) as z.ZodType<Holder>
const freezeSchema = z.object({ reason: z.string(), by: z.string(), since: z.string() })
const headSchema = z.object({ sequence: z.int(), hash: z.string() })

/** Without a heartbeat for this long, the holder counts as dead. */
export const LEASE_SECONDS = 30
/** Clocks of two machines may differ by this much. */
const CLOCK_SKEW_MS = 5_000

export interface AuditHead {
  sequence: number
  hash: string
}

/** The Lease of a lock that nobody holds. */
export function freeLease(namespace: string): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: LEASE_NAME, namespace, labels: { 'app.kubernetes.io/managed-by': 'emr' } },
    spec: { leaseTransitions: 0 },
  }
}

/** The Lease once the holder has it. @param now epoch milliseconds */
export function held(lease: Lease, holder: Holder, now: number): Lease {
  const time = microTime(now)
  return {
    ...annotated(lease, HOLDER, holder),
    spec: {
      holderIdentity: holder.id,
      acquireTime: time,
      renewTime: time,
      leaseDurationSeconds: LEASE_SECONDS,
      leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1,
    },
  }
}

/** The Lease after a heartbeat. @param now epoch milliseconds */
export function renewed(lease: Lease, now: number): Lease {
  return { ...lease, spec: { ...lease.spec, renewTime: microTime(now) } }
}

/** The Lease given back. The holder's annotation stays: one who was paused can be told by whom the lock was taken over. */
export function released(lease: Lease, head: AuditHead | undefined): Lease {
  const next = head ? annotated(lease, AUDIT_HEAD, head) : lease
  return { ...next, spec: { ...lease.spec, holderIdentity: '' } }
}

/** The Lease that is frozen, or that is not any more. */
export function withFreeze(lease: Lease, freeze: Freeze | undefined): Lease {
  return annotated(lease, FREEZE, freeze)
}

export function holderOf(lease: Lease | undefined): Holder | undefined {
  const { holderIdentity: id, acquireTime } = lease?.spec ?? {}
  if (!id) return undefined
  // Somebody holds it, whoever that is: an annotation that was changed by hand frees no lock.
  const unknown = {
    id,
    operation: 'an operation',
    by: UNREADABLE,
    host: '',
    pid: 0,
    since: acquireTime ?? '',
  }
  return annotation(lease, HOLDER, holderSchema, unknown)
}

export function freezeOf(lease: Lease | undefined): Freeze | undefined {
  const unknown = { reason: `the annotation ${FREEZE} is ${UNREADABLE}`, by: UNREADABLE, since: '' }
  return annotation(lease, FREEZE, freezeSchema, unknown)
}

export function auditHeadOf(lease: Lease | undefined): AuditHead | undefined {
  // No entry has this number: what the newest one was is not known, and the check of the chain says so.
  return annotation(lease, AUDIT_HEAD, headSchema, { sequence: 0, hash: '' })
}

/** Whether heartbeats have been missing for so long that the holder counts as dead. @param now epoch milliseconds */
export function isSilent(lease: Lease | undefined, now: number): boolean {
  const last = Date.parse(lease?.spec?.renewTime ?? '') || 0
  return now - last > LEASE_SECONDS * 1000 + CLOCK_SKEW_MS
}

/** Why the lock is not the holder's any more. */
export function lossOf(lease: Lease | undefined, mine: Holder | undefined): string {
  const last = annotation<Holder | undefined>(lease, HOLDER, holderSchema, undefined)
  if (lease === undefined) return `the Lease ${LEASE_NAME} was removed`
  if (last === undefined || last.id === mine?.id) return `the Lease ${LEASE_NAME} was changed by hand`
  const since = lease.spec?.holderIdentity ? '' : ' and has ended since'
  return `${nameOf(last)} has taken it over${since}`
}

/** @param unreadable stands for one that is there and that emr has not written so */
function annotation<T>(
  lease: Lease | undefined,
  name: string,
  schema: z.ZodType<T>,
  unreadable: T,
): T | undefined {
  const text = lease?.metadata?.annotations?.[name]
  if (text === undefined) return undefined
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return unreadable
  }
}

/** @param value undefined removes the annotation */
function annotated(lease: Lease, name: string, value: object | undefined): Lease {
  const { [name]: _, ...others } = lease.metadata?.annotations ?? {}
  const annotations = value ? { ...others, [name]: JSON.stringify(value) } : others
  return { ...lease, metadata: { ...lease.metadata, annotations } }
}

/** Leases want six digits after the second. */
function microTime(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z')
}
