import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { KubernetesApiError } from '../../../../src/lib/adapters/kubernetes/api-error.ts'
import type { KubernetesClient } from '../../../../src/lib/adapters/kubernetes/client.ts'
import { EnvironmentLock } from '../../../../src/lib/adapters/kubernetes/environment-lock.ts'

const signal = AbortSignal.timeout(60_000)
const work = (id: string) => ({ id, operation: 'deploy', by: `${id}@runner` })
const never = { waitMs: 0, signal, onWait: () => undefined }

/** One Lease in memory, with the API server's optimistic locking. */
class FakeLeases {
  lease: Lease | undefined
  reads = 0
  onRead: () => void = () => undefined
  #version = 0

  lock(): EnvironmentLock {
    return new EnvironmentLock(this as unknown as KubernetesClient, 'ns', 'sandbox')
  }
  async get(): Promise<Lease> {
    this.reads += 1
    this.onRead()
    if (this.lease === undefined) throw refusal(404)
    return structuredClone(this.lease)
  }
  async create(_resource: unknown, lease: Lease): Promise<Lease> {
    if (this.lease) throw refusal(409)
    return this.#store(lease)
  }
  async replace(_resource: unknown, lease: Lease): Promise<Lease> {
    if (this.lease === undefined) throw refusal(404)
    if (lease.metadata?.resourceVersion !== this.lease.metadata?.resourceVersion) throw refusal(409)
    return this.#store(lease)
  }
  #store(lease: Lease): Lease {
    this.#version += 1
    this.lease = structuredClone({
      ...lease,
      metadata: { ...lease.metadata, resourceVersion: String(this.#version) },
    })
    return structuredClone(this.lease)
  }
  /** As if the holder had been paused for long. */
  age(): void {
    if (this.lease?.spec) this.lease.spec.renewTime = '2020-01-01T00:00:00.000000Z'
  }
}

function refusal(status: number) {
  return new KubernetesApiError(status, { message: `HTTP ${status}` } as never, { request: 'test' })
}

test('who waits is told once for each holder, not at every look', async () => {
  const leases = new FakeLeases()
  const first = leases.lock()
  await first.acquire(work('first'), never)
  const stop = new AbortController()
  leases.reads = 0
  leases.onRead = () => leases.reads > 3 && stop.abort()
  const said: string[] = []
  const options = { waitMs: 60_000, signal: stop.signal, onWait: (text: string) => said.push(text) }
  await expect(leases.lock().acquire(work('second'), options)).rejects.toThrow()
  expect(said).toEqual([
    expect.stringMatching(/^waiting for deploy first of first@runner \(process \d+\), since 20\d\d-/),
  ])
  await first.release(signal)
})

describe('a lock that was lost names the reason and what to do', () => {
  const lossAfter = async (change: (leases: FakeLeases) => Promise<void> | void) => {
    const leases = new FakeLeases()
    const mine = leases.lock()
    await mine.acquire(work('mine'), never)
    const now = Date.now
    try {
      await change(leases)
      // A minute later, so that the lock is asked for and not trusted.
      Date.now = () => now() + 60_000
      return await mine.confirm().catch((error) => error)
    } finally {
      Date.now = now
    }
  }
  const takenOver = async (leases: FakeLeases) => {
    leases.age()
    const other = leases.lock()
    await other.acquire(work('other'), never)
    return other
  }
  test('removed', async () => {
    const error = await lossAfter((leases) => {
      leases.lease = undefined
    })
    expect(error).toMatchObject({
      code: 'LOCK_LOST',
      exitCode: 8,
      message: 'the lock on sandbox was lost: the Lease emr-lock was removed',
      suggestions: ['see what was done since: emr history sandbox', 'then run the deploy again'],
    })
  })
  test('taken over', async () => {
    const error = await lossAfter(async (leases) => {
      await takenOver(leases)
    })
    expect(error.message).toMatch(/lost: deploy other of other@runner \(process \d+\) has taken it over$/)
  })
  test('taken over by one that has ended', async () => {
    const error = await lossAfter(async (leases) => (await takenOver(leases)).release(signal))
    expect(error.message).toMatch(/deploy other of other@runner .* has taken it over and has ended since$/)
  })
})

test('a lock is seen as dead at once where its process has ended on this machine', async () => {
  const leases = new FakeLeases()
  const lock = leases.lock()
  await lock.acquire(work('mine'), never)
  expect((await lock.status(signal)).holder).toMatchObject({ id: 'mine', alive: true })
  await lock.release(signal)
  expect((await lock.status(signal)).holder).toBeUndefined()
  const { pid } = spawnSync(process.execPath, ['--version'])
  const holder = { ...work('dead'), host: hostname(), pid, since: new Date().toISOString() }
  const { lease } = leases
  leases.lease = {
    ...lease,
    metadata: { ...lease?.metadata, annotations: { 'emr/holder': JSON.stringify(holder) } },
    spec: { ...lease?.spec, holderIdentity: 'dead', renewTime: new Date().toISOString() },
  }
  expect((await lock.status(signal)).holder).toMatchObject({ id: 'dead', alive: false })
})

test('a freeze is not replaced: who wants another one is told of the first', async () => {
  const leases = new FakeLeases()
  const lock = leases.lock()
  const first = { reason: 'quarter end', by: 'ann', since: '2026-01-01T00:00:00.000Z' }
  await lock.freeze(first, signal)
  await lock.freeze(first, signal)
  await expect(lock.freeze({ ...first, reason: 'lunch', by: 'bob' }, signal)).rejects.toMatchObject({
    code: 'FROZEN',
    exitCode: 8,
    message: 'sandbox is frozen by ann since 2026-01-01T00:00:00.000Z: quarter end',
    suggestions: ['emr unlock sandbox'],
  })
  await lock.unfreeze(signal)
  expect((await lock.status(signal)).freeze).toBeUndefined()
})

test('the heartbeat renews the Lease while it is held, and no longer', async () => {
  vi.useFakeTimers({ now: Date.parse('2026-03-14T03:15:00Z') })
  onTestFinished(() => void vi.useRealTimers())
  const leases = new FakeLeases()
  const lock = leases.lock()
  await lock.acquire(work('mine'), never)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(leases.lease?.spec?.renewTime).toBe('2026-03-14T03:16:00.000000Z')
  await lock.release(signal)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(leases.lease?.spec?.renewTime).toBe('2026-03-14T03:16:00.000000Z')
})

test('a process that is late asks before it writes, and keeps a lock that is its own', async () => {
  const leases = new FakeLeases()
  const lock = leases.lock()
  await expect(lock.confirm()).rejects.toMatchObject({ code: 'LOCK_LOST' })
  await lock.acquire(work('mine'), never)
  const version = () => leases.lease?.metadata?.resourceVersion
  await lock.confirm()
  expect(version()).toBe('1')
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 11_000)
  onTestFinished(() => void vi.restoreAllMocks())
  await lock.confirm()
  expect(version()).toBe('2')
  await lock.release(signal)
  await expect(lock.confirm()).rejects.toMatchObject({ code: 'LOCK_LOST' })
})

test('a lock that another one has taken over is left to it', async () => {
  const leases = new FakeLeases()
  const mine = leases.lock()
  await mine.acquire(work('mine'), never)
  leases.age()
  const other = leases.lock()
  await other.acquire(work('other'), never)
  await mine.release(signal)
  expect(leases.lease?.spec?.holderIdentity).toBe('other')
  await other.release(signal)
})

test('a frozen environment gives its lock to nobody', async () => {
  const leases = new FakeLeases()
  const lock = leases.lock()
  await lock.freeze({ reason: 'quarter end', by: 'ann', since: '2026-01-01T00:00:00.000Z' }, signal)
  await expect(lock.acquire(work('mine'), never)).rejects.toMatchObject({ code: 'FROZEN' })
  expect((await lock.status(signal)).holder).toBeUndefined()
})
