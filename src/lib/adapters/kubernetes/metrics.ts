import type { Usage } from '../../domain/diagnosis/facts.ts'
import { quantityValue } from '../../domain/quantity.ts'
import { KubernetesApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { resources } from './resources.ts'
import type { KubernetesObject, ResourceType } from './types.ts'

/** A server that is well answers at once; a monitor should know within seconds of one that is not. */
const TIMEOUT_MS = 5_000

type RawUsage = Record<string, string>

/** What metrics-server measured last, or undefined where the metrics API is not served. */
export async function podUsage(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Map<string, Map<string, Usage>> | undefined> {
  type PodMetrics = KubernetesObject & { containers?: { name: string; usage?: RawUsage }[] | null }
  const items = await listed<PodMetrics>(client, resources.podMetrics, namespace, signal)
  return (
    items &&
    new Map(
      items.map(({ metadata, containers }) => [
        metadata?.name ?? '',
        new Map((containers ?? []).map(({ name, usage = {} }) => [name, usageOf(usage)])),
      ]),
    )
  )
}

export async function nodeUsage(
  client: KubernetesClient,
  signal: AbortSignal,
): Promise<Map<string, Usage> | undefined> {
  type NodeMetrics = KubernetesObject & { usage?: RawUsage }
  const items = await listed<NodeMetrics>(client, resources.nodeMetrics, undefined, signal)
  return items && new Map(items.map(({ metadata, usage = {} }) => [metadata?.name ?? '', usageOf(usage)]))
}

async function listed<T extends KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<T[] | undefined> {
  try {
    const items: T[] = []
    // 503 is the answer where its server is away: no reason to ask five times.
    const limits = { signal, attempts: 2, timeoutMs: TIMEOUT_MS }
    await client.each<T>(type, { namespace, ...limits }, (item) => items.push(item))
    return items
  } catch (error) {
    // 404: the API group is not registered; 503: its server is away.
    if (error instanceof KubernetesApiError && (error.status === 404 || error.status === 503))
      return undefined
    throw error
  }
}

function usageOf({ cpu, memory }: RawUsage): Usage {
  return { cpu: quantityValue(cpu), memory: quantityValue(memory) }
}
