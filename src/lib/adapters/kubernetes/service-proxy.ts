import type { HttpAnswer } from '../../domain/smoke-test/evaluate.ts'
import type { KubernetesClient } from './client.ts'
import { resourcePath, resources } from './resources.ts'

export interface ProxyRequest {
  service: string
  /** Name or number. */
  port: string
  path: string
  method: string
  headers: Record<string, string>
  body?: string
  timeoutMs: number
}

/** Asks one of a service's ready pods through the API server, as `kubectl get --raw` does. */
export async function askService(
  client: KubernetesClient,
  namespace: string,
  { service, port, path, method, headers, body, timeoutMs }: ProxyRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const [pathname = '/', query = ''] = path.split('?')
  const name = `${service}:${port}`
  const root = resourcePath(resources.services, { namespace, name, subresource: `proxy${pathname}` })
  const startedAt = performance.now()
  const answer = await client.exchange(method, root, {
    query: Object.fromEntries(new URLSearchParams(query)),
    headers,
    ...(body !== undefined && { body: Buffer.from(body), contentType: headers['content-type'] }),
    timeoutMs,
    signal,
  })
  const texts = Object.entries(answer.headers).map(([key, value]) => [key, String(value)])
  return {
    status: answer.status,
    headers: Object.fromEntries(texts),
    body: answer.body,
    durationMs: performance.now() - startedAt,
  }
}
