import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import { isApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { type Freeze, frozen, type Holder, locked, lockLost, nameOf } from './lock-holder.ts'
import { resources } from './resources.ts'

const NAME = 'emr-lock'
const HOLDER = 'emr/holder'
const FREEZE = 'emr/freeze'
const AUDIT_HEAD = 'emr/audit-head'

/** Without a heartbeat for this long, the holder counts as dead. */
const LEASE_SECONDS = 30
const HEARTBEAT_MS = 5_000
/** Clocks of two machines may differ by this much. */
const CLOCK_SKEW_MS = 5_000
const POLL_MS = 500

export interface AuditHead {
  sequence: number
  hash: string
}

export interface LockStatus {
  holder: (Holder & { alive: boolean }) | undefined
  freeze: Freeze | undefined
  head: AuditHead | undefined
}

/**
 * One environment's lock: a Lease in its namespace. While it is held, a heartbeat renews it. A holder that finds
 * itself late asks the API server before its next write whether the lock is still its own.
 */
export class EnvironmentLock {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #environment: string
  readonly #lost = new AbortController()
  #holder: Holder | undefined
  #lease: Lease | undefined
  #renewedAt = { wall: 0, monotonic: 0 }
  #timer: NodeJS.Timeout | undefined
  #renewal: Promise<void> | undefined

  constructor(client: KubernetesClient, namespace: string, environment: string) {
    this.#client = client
    this.#namespace = namespace
    this.#environment = environment
  }

  /** Aborts when another process has taken the lock over; its reason is the error. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /**
   * Takes the lock.
   * @param options.waitMs how long to wait for another holder that lives
   * @param options.onWait gets whom it waits for: once, and again when another one has come first
   * @returns the dead holder it was taken over from, if any
   * @throws {EmrError} LOCKED or FROZEN (8)
   */
  async acquire(
    holder: Omit<Holder, 'host' | 'pid' | 'since'>,
    options: { waitMs: number; signal: AbortSignal; onWait: (text: string) => void },
  ): Promise<Holder | undefined> {
    const mine = { ...holder, host: hostname(), pid: process.pid, since: new Date().toISOString() }
    const until = Date.now() + options.waitMs
    let awaited: string | undefined
    for (;;) {
      const lease = await this.#read(options.signal)
      const freeze = annotation<Freeze>(lease, FREEZE)
      if (freeze) throw frozen(this.#environment, freeze)
      const other = holderOf(lease)
      if (other && !isDead(other, lease)) {
        if (Date.now() >= until) throw locked(this.#environment, other)
        if (awaited !== other.id) options.onWait(`waiting for ${nameOf(other)}, since ${other.since}`)
        awaited = other.id
        await delay(POLL_MS, undefined, { signal: options.signal })
      } else if (await this.#take(lease, mine, options.signal)) {
        return other
      }
    }
  }

  /**
   * To be called before each write. Returns at once while the heartbeat is fresh; a process that was paused or cut
   * off renews first.
   * @throws {EmrError} LOCK_LOST (8) when another process holds the lock
   */
  async confirm(): Promise<void> {
    this.#lost.signal.throwIfAborted()
    if (this.#holder === undefined) throw lockLost(this.#environment, 'it is not held')
    const age = Math.max(Date.now() - this.#renewedAt.wall, performance.now() - this.#renewedAt.monotonic)
    if (age > 2 * HEARTBEAT_MS) await this.#renew()
    this.#lost.signal.throwIfAborted()
  }

  /** Gives the lock back; one that was lost is left to its new holder. */
  async release(signal: AbortSignal, head?: AuditHead): Promise<void> {
    clearTimeout(this.#timer)
    await this.#renewal?.catch(() => undefined)
    if (this.#holder === undefined || this.#lost.signal.aborted) return
    const id = this.#holder.id
    this.#holder = undefined
    await this.#change(signal, (lease) => {
      if (lease.spec?.holderIdentity !== id) return undefined
      // The annotation stays, so that one who was paused can be told by whom the lock was taken over.
      const annotations = {
        ...lease.metadata?.annotations,
        ...(head && { [AUDIT_HEAD]: JSON.stringify(head) }),
      }
      return {
        ...lease,
        metadata: { ...lease.metadata, annotations },
        spec: { ...lease.spec, holderIdentity: '' },
      }
    })
  }

  /** Who holds the lock and whether that process lives, and whether the environment is frozen. */
  async status(signal: AbortSignal): Promise<LockStatus> {
    const lease = await this.#read(signal)
    const holder = holderOf(lease)
    return {
      holder: holder && { ...holder, alive: !isDead(holder, lease) },
      freeze: annotation<Freeze>(lease, FREEZE),
      head: annotation<AuditHead>(lease, AUDIT_HEAD),
    }
  }

  /**
   * Refuses all later operations until it is lifted; one that runs already goes on to its end.
   * @throws {EmrError} FROZEN (8) where somebody has frozen it already
   */
  async freeze(freeze: Freeze, signal: AbortSignal): Promise<void> {
    await this.#read(signal).then((lease) => lease ?? this.#create(undefined, signal))
    const text = JSON.stringify(freeze)
    await this.#change(signal, (lease) => {
      const { annotations } = lease.metadata ?? {}
      const other = annotation<Freeze>(lease, FREEZE)
      // An answer of the API server that was lost: it is done.
      if (annotations?.[FREEZE] === text) return undefined
      if (other) throw frozen(this.#environment, other)
      return { ...lease, metadata: { ...lease.metadata, annotations: { ...annotations, [FREEZE]: text } } }
    })
  }

  /** Lifts the freeze, if there is one. */
  async unfreeze(signal: AbortSignal): Promise<void> {
    await this.#change(signal, (lease) => {
      const { [FREEZE]: freeze, ...annotations } = lease.metadata?.annotations ?? {}
      return freeze === undefined ? undefined : { ...lease, metadata: { ...lease.metadata, annotations } }
    })
  }

  async #take(lease: Lease | undefined, mine: Holder, signal: AbortSignal): Promise<boolean> {
    try {
      const taken = lease
        ? await this.#client.replace<Lease>(resources.leases, held(lease, mine), { signal })
        : await this.#create(mine, signal)
      this.#holder = mine
      this.#keep(taken)
      this.#schedule()
      return true
    } catch (error) {
      // Somebody was quicker; a lost answer of the API server looks the same, and the lease then names us.
      if (!isApiError(error, 409)) throw error
      const now = await this.#read(signal)
      if (now?.spec?.holderIdentity !== mine.id) return false
      this.#holder = mine
      this.#keep(now)
      this.#schedule()
      return true
    }
  }

  #create(holder: Holder | undefined, signal: AbortSignal): Promise<Lease> {
    const bare: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: NAME, namespace: this.#namespace, labels: { 'app.kubernetes.io/managed-by': 'emr' } },
      spec: { leaseTransitions: 0 },
    }
    const lease = holder ? held(bare, holder) : bare
    return this.#client.create<Lease>(resources.leases, lease, { namespace: this.#namespace, signal })
  }

  #keep(lease: Lease): void {
    this.#lease = lease
    this.#renewedAt = { wall: Date.now(), monotonic: performance.now() }
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#renew()
        .catch(() => undefined)
        .finally(() => {
          if (this.#holder && !this.#lost.signal.aborted) this.#schedule()
        })
    }, HEARTBEAT_MS)
    this.#timer.unref()
  }

  /** One renewal at a time: a write that waits for one joins the one under way. */
  #renew(): Promise<void> {
    this.#renewal ??= this.#renewOnce().finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  async #renewOnce(): Promise<void> {
    const signal = AbortSignal.timeout(LEASE_SECONDS * 1000)
    for (;;) {
      const { metadata, spec } = this.#lease as Lease
      const lease = { ...this.#lease, metadata, spec: { ...spec, renewTime: microTime() } }
      try {
        this.#keep(await this.#client.replace<Lease>(resources.leases, lease, { signal }))
        return
      } catch (error) {
        if (!isApiError(error, 409) && !isApiError(error, 404)) throw error
        const now = await this.#read(signal)
        if (now?.spec?.holderIdentity !== this.#holder?.id) {
          this.#lost.abort(lockLost(this.#environment, lossOf(now, this.#holder), this.#holder))
          return
        }
        this.#lease = now
      }
    }
  }

  async #change(signal: AbortSignal, edit: (lease: Lease) => Lease | undefined): Promise<void> {
    for (;;) {
      const lease = await this.#read(signal)
      const next = lease && edit(lease)
      if (next === undefined) return
      try {
        await this.#client.replace(resources.leases, next, { signal })
        return
      } catch (error) {
        if (!isApiError(error, 409)) throw error
      }
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#client.get<Lease>(resources.leases, NAME, { namespace: this.#namespace, signal })
    } catch (error) {
      if (isApiError(error, 404)) return undefined
      throw error
    }
  }
}

function held(lease: Lease, holder: Holder): Lease {
  const now = microTime()
  return {
    ...lease,
    metadata: {
      ...lease.metadata,
      annotations: { ...lease.metadata?.annotations, [HOLDER]: JSON.stringify(holder) },
    },
    spec: {
      holderIdentity: holder.id,
      acquireTime: now,
      renewTime: now,
      leaseDurationSeconds: LEASE_SECONDS,
      leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1,
    },
  }
}

function holderOf(lease: Lease | undefined): Holder | undefined {
  return lease?.spec?.holderIdentity ? annotation<Holder>(lease, HOLDER) : undefined
}

/** Why the lock is not the holder's any more. */
function lossOf(lease: Lease | undefined, mine: Holder | undefined): string {
  const last = annotation<Holder>(lease, HOLDER)
  if (lease === undefined) return `the Lease ${NAME} was removed`
  if (last === undefined || last.id === mine?.id) return `the Lease ${NAME} was changed by hand`
  const since = lease.spec?.holderIdentity ? '' : ' and has ended since'
  return `${nameOf(last)} has taken it over${since}`
}

function annotation<T>(lease: Lease | undefined, name: string): T | undefined {
  const text = lease?.metadata?.annotations?.[name]
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

/** No heartbeat, or a process of this machine that has ended. */
function isDead(holder: Holder, lease: Lease | undefined): boolean {
  const renewed = Date.parse(lease?.spec?.renewTime ?? '') || 0
  if (Date.now() - renewed > LEASE_SECONDS * 1000 + CLOCK_SKEW_MS) return true
  if (holder.host !== hostname()) return false
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Leases want six digits after the second. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z')
}
