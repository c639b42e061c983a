import type { Deployment } from 'kubernetes-types/apps/v1.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { KubernetesClient } from '../../../src/lib/adapters/kubernetes/client.ts'
import { Informer } from '../../../src/lib/adapters/kubernetes/informer.ts'
import { resources } from '../../../src/lib/adapters/kubernetes/resources.ts'
import type { KubernetesObject } from '../../../src/lib/adapters/kubernetes/types.ts'
import { type FaultInjection, injectFaults } from '../../../src/lib/sandbox/fault-injection.ts'
import { deployment, startTestSandbox, type TestSandbox, until } from './support.ts'

/** The API misbehaves towards clients, while the cluster itself goes on. */
describe('faults of the API', () => {
  let sandbox: TestSandbox
  let faults: FaultInjection
  const list = (attempts = 1) => sandbox.client.json('GET', '/api/v1/namespaces/default/pods', { attempts })

  beforeAll(async () => {
    sandbox = await startTestSandbox()
    faults = injectFaults(sandbox.folder)
  })
  afterEach(() => faults.clear())
  afterAll(async () => {
    faults.close()
    await sandbox.stop()
  })

  it('answers 429 with Retry-After, so many times', async () => {
    await faults.set({ errors: [{ status: 429, path: '/pods', retryAfterSeconds: 1, count: 2 }] })
    await expect(list()).rejects.toMatchObject({ status: 429, reason: 'TooManyRequests', retryAfterMs: 1000 })
    await expect(list()).rejects.toMatchObject({ status: 429 })
    await expect(list()).resolves.toMatchObject({ kind: 'PodList' })
  })

  it('is waited out by a patient client, for more tries than others have', async () => {
    const patient = new KubernetesClient(sandbox.client.access)
    patient.patienceMs = 60_000
    await faults.set({ errors: [{ status: 503, path: '/pods', count: 6 }] })
    await expect(patient.list(resources.pods)).resolves.toMatchObject({ kind: 'PodList' })
    patient.close()
  })

  it('answers 500 and 503 to what matches only', async () => {
    await faults.set({
      errors: [
        { status: 500, method: 'POST' },
        { status: 503, path: '/secrets' },
      ],
    })
    await expect(list()).resolves.toMatchObject({ kind: 'PodList' })
    await expect(sandbox.client.json('GET', '/api/v1/secrets', { attempts: 1 })).rejects.toMatchObject({
      status: 503,
      reason: 'ServiceUnavailable',
    })
    await expect(
      sandbox.client.json('POST', '/api/v1/namespaces', { attempts: 1, body: { metadata: { name: 'x' } } }),
    ).rejects.toMatchObject({ status: 500, reason: 'InternalError' })
  })

  it('hits a share of the requests only', async () => {
    await faults.set({ errors: [{ status: 500, share: 0.5 }] })
    const results = await Promise.allSettled(Array.from({ length: 60 }, () => list()))
    const failed = results.filter(({ status }) => status === 'rejected').length
    expect(failed).toBeGreaterThan(5)
    expect(failed).toBeLessThan(55)
  })

  it('is slow', async () => {
    await faults.set({ latencyMs: 200 })
    const before = performance.now()
    await list()
    expect(performance.now() - before).toBeGreaterThan(190)
  })

  it('denies verbs, and says so when asked', async () => {
    await faults.set({ denied: [{ verb: 'delete', resource: 'deployments' }] })
    const { stderr } = await sandbox.kubectl(['delete', 'deployment', 'x'])
    expect(stderr).toContain(
      'deployments.apps "x" is forbidden: User "emr-sandbox" cannot delete resource "deployments" in API group "apps" in the namespace "default"',
    )
    expect((await sandbox.kubectl(['auth', 'can-i', 'delete', 'deployments'])).stdout).toBe('no\n')
    expect((await sandbox.kubectl(['auth', 'can-i', 'get', 'deployments'])).stdout).toBe('yes\n')
  })

  it('refuses tokens as expired credentials are refused', async () => {
    await faults.set({ refuseTokens: true })
    await expect(list()).rejects.toMatchObject({ status: 401, reason: 'Unauthorized' })
    expect((await sandbox.kubectl(['get', 'pods'])).stderr).toContain('Unauthorized')
  })

  it('drops watches, and an informer catches up', async () => {
    const abort = new AbortController()
    const seen = new Set<string>()
    const waiting = new Map<string, () => void>()
    const informer = new Informer<KubernetesObject>(sandbox.client, resources.secrets, {
      namespace: 'default',
      signal: abort.signal,
      project: (object) => object,
      onChange: () => {
        for (const { metadata } of informer.items.values()) {
          seen.add(metadata?.name ?? '')
          waiting.get(metadata?.name ?? '')?.()
        }
      },
    })
    const done = informer.run()
    const arrival = (name: string) =>
      seen.has(name) ? undefined : new Promise<void>((resolve) => waiting.set(name, resolve))
    const create = (name: string) =>
      sandbox.client.create(resources.secrets, { metadata: { name } }, { namespace: 'default' })
    await create('first')
    await arrival('first')
    expect(await faults.dropWatches()).toBeGreaterThan(0)
    await create('second')
    await arrival('second')
    abort.abort()
    await done
  })

  it('goes silent and comes back, with the cluster going on meanwhile', async () => {
    await sandbox.client.create(resources.deployments, deployment('web') as KubernetesObject, {
      namespace: 'default',
    })
    await faults.silence(1)
    await expect(list()).rejects.toThrow(/ECONNREFUSED|ECONNRESET|socket hang up/)
    await expect(list(10)).resolves.toMatchObject({ kind: 'PodList' })
    await until<Deployment>(
      sandbox.client,
      resources.deployments,
      { namespace: 'default', name: 'web' },
      ({ status }) => status?.availableReplicas === 2,
    )
  })

  it('refuses a request without the token', async () => {
    const { server, tls, ...access } = sandbox.client.access
    const { KubernetesClient } = await import('../../../src/lib/adapters/kubernetes/client.ts')
    const stranger = new KubernetesClient({
      ...access,
      server,
      tls,
      credentials: async () => ({ authorization: 'Bearer wrong' }),
    })
    await expect(stranger.json('GET', '/sandbox/status', { attempts: 1 })).rejects.toMatchObject({
      status: 401,
    })
    await expect(stranger.json('GET', '/api/v1/pods', { attempts: 1 })).rejects.toMatchObject({ status: 401 })
    stranger.close()
  })
})
