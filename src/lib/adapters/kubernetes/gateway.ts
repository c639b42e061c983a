import type { Ingress } from 'kubernetes-types/networking/v1.js'
import type { KubernetesClient } from './client.ts'
import { resources } from './resources.ts'

/** Where the namespace's Ingress is reached from outside: `https://api.example.com`; undefined without one. */
export async function gatewayUrl(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { items } = await client.list<Ingress>(resources.ingresses, { namespace, signal })
  for (const { spec } of items) {
    const host = spec?.rules?.find((rule) => rule.host)?.host
    if (host === undefined) continue
    const isEncrypted = spec?.tls?.some(({ hosts }) => hosts?.includes(host))
    return `${isEncrypted ? 'https' : 'http'}://${host}`
  }
  return undefined
}
