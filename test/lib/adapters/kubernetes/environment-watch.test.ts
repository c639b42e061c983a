import { expect, test, vi } from 'vitest'
import { KubernetesConnectionError } from '../../../../src/lib/adapters/kubernetes/api-error.ts'
import type { KubernetesClient } from '../../../../src/lib/adapters/kubernetes/client.ts'
import { EnvironmentWatch } from '../../../../src/lib/adapters/kubernetes/environment-watch.ts'
import type { ResourceType } from '../../../../src/lib/adapters/kubernetes/types.ts'

test('a server that no longer answers makes old what its watches told, though they stand', async () => {
  const stop = new AbortController()
  const silent = Promise.withResolvers<never>()
  const client = {
    each: async ({ group }: ResourceType) => {
      if (group === 'metrics.k8s.io') await silent.promise
      return { metadata: { resourceVersion: '1' } }
    },
    async *watch() {
      yield await new Promise<never>(() => {})
    },
  }
  const watch = new EnvironmentWatch(client as unknown as KubernetesClient, 'ns', stop.signal, () => {})
  const states = () => watch.sight().sources.map(({ name, state }) => `${name} ${state}`)
  await vi.waitFor(() => expect(states().filter((text) => text.endsWith(' ok'))).toHaveLength(9))
  silent.reject(new KubernetesConnectionError('https://x', new Error('no answer within 5000 ms')))
  await vi.waitFor(() => expect(states().filter((text) => text.endsWith(' stale'))).toHaveLength(10))
  expect(watch.sight().sources.every(({ error }) => error?.includes('no answer within'))).toBe(true)
  stop.abort()
})
