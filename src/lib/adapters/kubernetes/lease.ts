import type { Lease } from 'kubernetes-types/coordination/v1.js'
import { type Freeze, type Holder, nameOf } from './lock-holder.ts'

export const LEASE_NAME = 'emr-lock'
const HOLDER = 'emr/holder'
const FREEZE = 'emr/freeze'
const AUDIT_HEAD = 'emr/audit-head'

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
  return lease?.spec?.holderIdentity ? annotation<Holder>(lease, HOLDER) : undefined
}

export function freezeOf(lease: Lease | undefined): Freeze | undefined {
  return annotation<Freeze>(lease, FREEZE)
}

export function auditHeadOf(lease: Lease | undefined): AuditHead | undefined {
  return annotation<AuditHead>(lease, AUDIT_HEAD)
}

/** Whether heartbeats have been missing for so long that the holder counts as dead. @param now epoch milliseconds */
export function isSilent(lease: Lease | undefined, now: number): boolean {
  const last = Date.parse(lease?.spec?.renewTime ?? '') || 0
  return now - last > LEASE_SECONDS * 1000 + CLOCK_SKEW_MS
}

/** Why the lock is not the holder's any more. */
export function lossOf(lease: Lease | undefined, mine: Holder | undefined): string {
  const last = annotation<Holder>(lease, HOLDER)
  if (lease === undefined) return `the Lease ${LEASE_NAME} was removed`
  if (last === undefined || last.id === mine?.id) return `the Lease ${LEASE_NAME} was changed by hand`
  const since = lease.spec?.holderIdentity ? '' : ' and has ended since'
  return `${nameOf(last)} has taken it over${since}`
}

function annotation<T>(lease: Lease | undefined, name: string): T | undefined {
  const text = lease?.metadata?.annotations?.[name]
  return text === undefined ? undefined : (JSON.parse(text) as T)
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
