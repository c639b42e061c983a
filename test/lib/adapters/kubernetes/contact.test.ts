import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { KubernetesApiError } from '../../../../src/lib/adapters/kubernetes/api-error.ts'
import { KubernetesClient } from '../../../../src/lib/adapters/kubernetes/client.ts'
import { Contact } from '../../../../src/lib/adapters/kubernetes/contact.ts'
import { EnvironmentWatch } from '../../../../src/lib/adapters/kubernetes/environment-watch.ts'
import { resources } from '../../../../src/lib/adapters/kubernetes/resources.ts'
import { WorkloadWatch } from '../../../../src/lib/adapters/kubernetes/workload-watch.ts'
import { type ApiServer, startApiServer } from '../../../support/api-server.ts'
import { type FreezingProxy, startFreezingProxy } from '../../../support/freezing-proxy.ts'

const NAMESPACE = 'ns'
let api: ApiServer
let proxy: FreezingProxy
/** Of the monitor, over the proxy. */
let client: KubernetesClient
let stop: AbortController

beforeEach(async () => {
  api = await startApiServer()
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }
  await api.client.create(resources.namespaces, namespace)
  await service('one')
  const { access } = api.client
  proxy = await startFreezingProxy(Number(new URL(access.server).port))
  client = new KubernetesClient({ ...access, server: `https://127.0.0.1:${proxy.port}` })
  stop = new AbortController()
})
afterEach(() => {
  stop.abort()
  client.close()
  proxy.close()
  api.close()
})

async function service(name: string): Promise<void> {
  const object = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE } },
    spec: { ports: [{ port: 80 }], selector: { app: name } },
  }
  await api.client.create(resources.services, object, { namespace: NAMESPACE })
}

test('a connection that stays open and says nothing is noticed within seconds; then all is listed anew', async () => {
  const watch = new EnvironmentWatch(client, NAMESPACE, stop.signal, () => undefined)
  const state = (name: string) => watch.sight().sources.find((source) => source.name === name)?.state
  const services = () => (watch.sight().services ?? []).map(({ name }) => name)
  await vi.waitFor(() => expect([state('services'), services()]).toEqual(['ok', ['one']]))

  proxy.freeze()
  const frozenAt = Date.now()
  await vi.waitFor(() => expect(state('services')).toBe('stale'), { timeout: 12_000 })
  expect(Date.now() - frozenAt).toBeLessThan(9_000)
  const { lastContact } = watch.sight()
  expect(lastContact).toBeLessThan(frozenAt + 500)
  await service('two')
  expect(services()).toEqual(['one'])

  proxy.thaw()
  await vi.waitFor(() => expect(state('services')).toBe('ok'), { timeout: 12_000 })
  expect(services()).toEqual(['one', 'two'])
  expect(watch.sight().lastContact).toBeGreaterThan(lastContact)
}, 30_000)

test('a roll-out is not judged while the server is silent, nor by what it sent before', async () => {
  const watch = new WorkloadWatch(client, NAMESPACE, stop.signal)
  await vi.waitFor(() => expect([watch.complete, watch.lost]).toEqual([true, undefined]))
  proxy.freeze()
  await vi.waitFor(() => expect(watch.lost?.message).toContain('does not answer'), { timeout: 12_000 })
  expect(watch.isSilent).toBe(true)
  proxy.thaw()
  // The sign of life alone is not enough: the lists come after it.
  const seen: boolean[] = []
  watch.on('change', () => seen.push(watch.isSilent))
  await vi.waitFor(() => expect(watch.lost).toBeUndefined(), { timeout: 12_000 })
  expect(seen).toContain(false)
}, 30_000)

test('a kind that may not be listed says nothing of the storage: the next one is asked for', async () => {
  const asked: string[] = []
  const forbidding = {
    access: client.access,
    json: async (_method: string, path: string) => {
      asked.push(path.split('/').at(-1) ?? '')
      if (path.endsWith('deployments')) throw new KubernetesApiError(403, {}, { request: path })
      return {}
    },
  } as unknown as KubernetesClient
  const contact = new Contact(forbidding, {
    ...{ namespace: NAMESPACE, types: [resources.deployments, resources.pods], signal: stop.signal },
    ...{ onSilence: () => undefined, onReturn: () => undefined },
  })
  await vi.waitFor(() => expect(contact.lastContact).toBeGreaterThan(0), { timeout: 5_000 })
  expect(asked).toEqual(['deployments', 'pods'])
})

test('a request that is not answered ends in its time', async () => {
  proxy.freeze()
  const started = performance.now()
  const asked = client.json('GET', '/version', { timeoutMs: 300, attempts: 1 })
  await expect(asked).rejects.toThrow('no answer within 300 ms')
  expect(performance.now() - started).toBeLessThan(5_000)
})
