import { expect, test } from 'vitest'
import { KubernetesApiError } from '../../../../src/lib/adapters/kubernetes/api-error.ts'
import { KubernetesTransport } from '../../../../src/lib/adapters/kubernetes/transport.ts'

const PATIENCE_MS = 100

class Asking extends KubernetesTransport {
  override patienceMs = PATIENCE_MS
  tries = 0

  /** Asks a server that always answers so; at once, where it is to be asked again. */
  async ask(status: number, message?: string): Promise<unknown> {
    this.tries = 0
    return this.retrying({}, async () => {
      this.tries += 1
      throw new KubernetesApiError(status, { message }, { request: 'GET /', retryAfterMs: 1 })
    }).catch(() => undefined)
  }
}

test('an outage is waited out once, and not by each request anew; an answer, a refusal too, ends it', async () => {
  const client = new Asking({ kubeconfig: '', context: '', server: 'https://127.0.0.1:1', tls: {} })
  const waited = async (status: number) => {
    const before = performance.now()
    await client.ask(status)
    return performance.now() - before >= PATIENCE_MS
  }
  expect(await waited(503)).toBe(true)
  await client.ask(503)
  expect(client.tries).toBe(5)
  await client.ask(404)
  expect(client.tries).toBe(1)
  expect(await waited(503)).toBe(true)
})

test('a webhook that cannot be asked is no outage: it is tried five times, not for as long as an outage may last', async () => {
  const client = new Asking({ kubeconfig: '', context: '', server: 'https://127.0.0.1:1', tls: {} })
  client.patienceMs = 60_000
  await client.ask(
    500,
    'Internal error occurred: failed calling webhook "policy.example.com": connection refused',
  )
  expect(client.tries).toBe(5)
})
