import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { EnvironmentFacts, Gap } from '../../domain/diagnosis/facts.ts'
import { EmrError } from '../../errors.ts'
import { isApiError } from './api-error.ts'
import { type KubernetesClient, type ListOptions, METADATA_ONLY } from './client.ts'
import {
  autoscalerFacts,
  budgetFacts,
  claimFacts,
  externalSecretFacts,
  nodeFacts,
  quotaFacts,
  workloadFacts,
} from './controller-facts.ts'
import { eventFacts, jobFacts, podFacts, replicaSetFacts } from './facts.ts'
import { nodeUsage, podUsage } from './metrics.ts'
import { endpointFacts, ingressFacts, policyFacts, serviceFacts } from './network-facts.ts'
import { readRecords } from './record-facts.ts'
import { releaseFacts } from './release-facts.ts'
import { resources } from './resources.ts'
import type { KubernetesObject, ResourceType } from './types.ts'

const PAGE_SIZE = 500
/** What helm has deployed. Its Secrets are big, up to a MiB: few are held at a time. */
const DEPLOYED = { labelSelector: 'owner=helm,status=deployed', limit: 20 }

type ClusterFacts = Omit<EnvironmentFacts, 'databases' | 'databaseNetwork' | 'alarms'>
type Reads = { [Key in keyof ClusterFacts]: () => Promise<ClusterFacts[Key]> }

/**
 * Reads everything in a namespace that a diagnosis looks at, and the nodes under it. What the identity may not read, and
 * a release that cannot be read, become gaps.
 * @throws {KubernetesApiError | KubernetesConnectionError} for anything else
 */
export async function readEnvironment(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<{ facts: Partial<EnvironmentFacts>; gaps: Gap[] }> {
  const facts: Partial<EnvironmentFacts> = {}
  const gaps: Gap[] = []
  const reads = readsOf(client, namespace, signal)
  await Promise.all(
    Object.entries(reads).map(async ([name, read]) => {
      try {
        Object.assign(facts, { [name]: await read() })
      } catch (error) {
        if (!isGap(error)) throw error
        gaps.push({ what: NAMES[name as keyof ClusterFacts], why: error.message })
      }
    }),
  )
  return { facts, gaps: gaps.sort((a, b) => a.what.localeCompare(b.what)) }
}

function isGap(error: unknown): error is EmrError {
  return isApiError(error, 403) || (error instanceof EmrError && error.code === 'RELEASE_UNREADABLE')
}

const NAMES: Record<keyof ClusterFacts, string> = {
  deployments: 'deployments',
  replicaSets: 'replica sets',
  pods: 'pods',
  events: 'events',
  jobs: 'jobs',
  services: 'services',
  endpoints: 'endpoint slices',
  ingresses: 'ingresses',
  autoscalers: 'autoscalers',
  budgets: 'disruption budgets',
  claims: 'volume claims',
  quotas: 'quotas',
  policies: 'network policies',
  externalSecrets: 'external secrets',
  releases: 'helm releases',
  records: 'records of operations',
  configMaps: 'config maps',
  serviceAccounts: 'service accounts',
  nodes: 'nodes',
  dns: 'CoreDNS',
  podUsage: 'usage of pods',
  nodeUsage: 'usage of nodes',
}

function readsOf(client: KubernetesClient, namespace: string, signal: AbortSignal): Reads {
  const all = <T extends KubernetesObject, Facts>(
    type: ResourceType,
    project: (object: T) => Facts,
    options: ListOptions & { accept?: string } = {},
  ) => {
    const of = type.namespaced ? { namespace } : {}
    return () => listAll(client, type, { ...of, ...options }, project, signal)
  }
  return {
    deployments: all(resources.deployments, workloadFacts),
    replicaSets: all(resources.replicaSets, replicaSetFacts),
    pods: all(resources.pods, podFacts),
    events: all(resources.events, eventFacts),
    jobs: all(resources.jobs, jobFacts),
    services: all(resources.services, serviceFacts),
    endpoints: all(resources.endpointSlices, endpointFacts),
    ingresses: all(resources.ingresses, ingressFacts),
    autoscalers: all(resources.autoscalers, autoscalerFacts),
    budgets: all(resources.budgets, budgetFacts),
    claims: all(resources.claims, claimFacts),
    quotas: all(resources.quotas, quotaFacts),
    policies: all(resources.policies, policyFacts),
    externalSecrets: () => all(resources.externalSecrets, externalSecretFacts)().catch(noSuchKind),
    configMaps: all(resources.configMaps, nameFacts, { accept: METADATA_ONLY }),
    serviceAccounts: all(resources.serviceAccounts, nameFacts, { accept: METADATA_ONLY }),
    releases: all(resources.secrets, releaseFacts, DEPLOYED),
    records: () => readRecords(client, namespace, signal),
    nodes: all(resources.nodes, nodeFacts),
    dns: () => dns(client, signal),
    podUsage: () => podUsage(client, namespace, signal),
    nodeUsage: () => nodeUsage(client, signal),
  }
}

function nameFacts({ metadata }: KubernetesObject): { name: string } {
  return { name: metadata?.name ?? '' }
}

async function listAll<T extends KubernetesObject, Facts>(
  client: KubernetesClient,
  type: ResourceType,
  options: ListOptions & { accept?: string },
  project: (object: T) => Facts,
  signal: AbortSignal,
): Promise<Facts[]> {
  const found: Facts[] = []
  let token: string | undefined
  do {
    const page = await client.list<T>(type, { limit: PAGE_SIZE, ...options, continue: token, signal })
    for (const object of page.items) found.push(project(object))
    token = page.metadata.continue || undefined
  } while (token !== undefined)
  return found
}

/** A cluster without the custom resource has none that could fail. */
function noSuchKind(error: unknown): [] {
  if (isApiError(error, 404)) return []
  throw error
}

async function dns(client: KubernetesClient, signal: AbortSignal): Promise<EnvironmentFacts['dns']> {
  try {
    const options = { namespace: 'kube-system', signal }
    const { metadata, status } = await client.get<Deployment>(resources.deployments, 'coredns', options)
    return { available: status?.availableReplicas ?? 0, uid: metadata?.uid ?? '' }
  } catch (error) {
    if (isApiError(error, 404)) return undefined
    throw error
  }
}
