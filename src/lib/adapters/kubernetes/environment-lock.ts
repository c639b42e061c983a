import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import { isApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import {
  type AuditHead,
  auditHeadOf,
  freeLease,
  freezeOf,
  held,
  holderOf,
  isSilent,
  LEASE_NAME,
  LEASE_SECONDS,
  lossOf,
  released,
  renewed,
  withFreeze,
} from './lease.ts'
import { type Freeze, frozen, type Holder, locked, lockLost, nameOf } from './lock-holder.ts'
import { resources } from './resources.ts'

const HEARTBEAT_MS = 5_000
const POLL_MS = 500

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
   * @throws {EmrError} LOCKED or FROZEN (8)
   */
  async acquire(
    holder: Omit<Holder, 'host' | 'pid' | 'since'>,
    options: { waitMs: number; signal: AbortSignal; onWait: (text: string) => void },
  ): Promise<void> {
    const mine = { ...holder, host: hostname(), pid: process.pid, since: new Date().toISOString() }
    const until = Date.now() + options.waitMs
    let awaited: string | undefined
    for (;;) {
      const lease = await this.#read(options.signal)
      const freeze = freezeOf(lease)
      if (freeze) throw frozen(this.#environment, freeze)
      const other = holderOf(lease)
      if (other && !isDead(lease, other)) {
        if (Date.now() >= until) throw locked(this.#environment, other)
        if (awaited !== other.id) options.onWait(`waiting for ${nameOf(other)}, since ${other.since}`)
        awaited = other.id
        await delay(POLL_MS, undefined, { signal: options.signal })
      } else if (await this.#take(lease, mine, options.signal)) {
        return
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
      return released(lease, head)
    })
  }

  /** Who holds the lock and whether that process lives, and whether the environment is frozen. */
  async status(signal: AbortSignal): Promise<LockStatus> {
    const lease = await this.#read(signal)
    const holder = holderOf(lease)
    return {
      holder: holder && { ...holder, alive: !isDead(lease, holder) },
      freeze: freezeOf(lease),
      head: auditHeadOf(lease),
    }
  }

  /**
   * Refuses all later operations until it is lifted; one that runs already goes on to its end.
   * @throws {EmrError} FROZEN (8) where somebody has frozen it already
   */
  async freeze(freeze: Freeze, signal: AbortSignal): Promise<void> {
    await this.#read(signal).then((lease) => lease ?? this.#create(freeLease(this.#namespace), signal))
    await this.#change(signal, (lease) => {
      const other = freezeOf(lease)
      // An answer of the API server that was lost: it is done.
      if (isDeepStrictEqual(other, freeze)) return undefined
      if (other) throw frozen(this.#environment, other)
      return withFreeze(lease, freeze)
    })
  }

  /** Lifts the freeze, if there is one. */
  async unfreeze(signal: AbortSignal): Promise<void> {
    await this.#change(signal, (lease) => freezeOf(lease) && withFreeze(lease, undefined))
  }

  async #take(lease: Lease | undefined, mine: Holder, signal: AbortSignal): Promise<boolean> {
    const wanted = held(lease ?? freeLease(this.#namespace), mine, Date.now())
    let taken: Lease | undefined
    try {
      taken = await (lease ? this.#replace(wanted, signal) : this.#create(wanted, signal))
    } catch (error) {
      // Somebody was quicker; a lost answer of the API server looks the same, and the lease then names us.
      if (!isApiError(error, 409)) throw error
      taken = await this.#read(signal)
    }
    if (taken?.spec?.holderIdentity !== mine.id) return false
    this.#holder = mine
    this.#keep(taken)
    this.#schedule()
    return true
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
      try {
        this.#keep(await this.#replace(renewed(this.#lease as Lease, Date.now()), signal))
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
        await this.#replace(next, signal)
        return
      } catch (error) {
        if (!isApiError(error, 409)) throw error
      }
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#client.get<Lease>(resources.leases, LEASE_NAME, {
        namespace: this.#namespace,
        signal,
      })
    } catch (error) {
      if (isApiError(error, 404)) return undefined
      throw error
    }
  }

  #create(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.#client.create<Lease>(resources.leases, lease, { namespace: this.#namespace, signal })
  }

  #replace(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.#client.replace<Lease>(resources.leases, lease, { signal })
  }
}

/** No heartbeat, or a process of this machine that has ended. */
export function isDead(lease: Lease | undefined, { host, pid }: Holder): boolean {
  if (isSilent(lease, Date.now())) return true
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
