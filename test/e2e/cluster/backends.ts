import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { KubernetesClient } from '../../../src/lib/adapters/kubernetes/client.ts'
import { resourcePath } from '../../../src/lib/adapters/kubernetes/resources.ts'
import { types } from '../../../src/lib/sandbox/controllers/types.ts'
import { answerService } from '../../../src/lib/sandbox/ingress/backend.ts'
import { answerRequest } from '../../../src/lib/sandbox/ingress/ingress.ts'
import type { Store } from '../../../src/lib/sandbox/store/store.ts'

type Known = Pick<Store, 'list' | 'get'>

/**
 * What the platform's pods would answer over HTTP: nodes without kubelets run nothing that could. Which pods are ready
 * behind which Service or Ingress is the control plane's word.
 */
export class Backends {
  readonly #client: KubernetesClient

  constructor(client: KubernetesClient) {
    this.#client = client
  }

  /** Answers the API server's proxy to a Service. */
  async answer({ url = '/' }: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const path = /^\/api\/v1\/namespaces\/([^/]+)\/services\/([^/]+)\/proxy(\/[^?]*)?/.exec(url)
    if (path === null) return false
    const [, namespace = '', port = '', asked = '/'] = path
    const parts = port.split(':')
    const known = await this.#read(namespace)
    const service = known.get('services', namespace, (parts.length === 3 ? parts[1] : parts[0]) ?? '')
    const reply = service && answerService(known, service.object as unknown as Service, asked)
    if (reply) response.writeHead(reply.status, reply.headers).end(reply.body)
    // What is not there, or has no ready pod, is for the API server to say.
    return reply !== undefined
  }

  /** The load balancer of one namespace. */
  async listen(namespace: string): Promise<{ url: string; close: () => void }> {
    const server = createServer((request, response) => {
      const { url = '/', headers } = request
      const answer = async () => answerRequest(await this.#read(namespace), headers.host ?? '', url)
      answer().then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        (error) => response.writeHead(502).end(String(error)),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
  }

  async #read(namespace: string): Promise<Known> {
    const kinds = [types.services, types.endpointSlices, types.pods, types.ingresses]
    const lists = await Promise.all(
      kinds.map((type) =>
        this.#client.json<{ items: { metadata: { name: string } }[] | null }>(
          'GET',
          resourcePath(type, { namespace }),
        ),
      ),
    )
    const keyOf = (kind: number) => {
      const { plural = '', group = '' } = kinds[kind] ?? {}
      return group === '' ? plural : `${plural}.${group}`
    }
    const byKind = new Map(lists.map(({ items }, kind) => [keyOf(kind), items ?? []]))
    const entries = (key: string) => (byKind.get(key) ?? []).map((object) => ({ object }))
    return {
      list: (key: string) => entries(key),
      get: (key: string, _: string, name: string) =>
        entries(key).find(({ object }) => object.metadata.name === name),
    } as unknown as Known
  }
}
