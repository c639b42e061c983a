import type { ConfigMap, Namespace, ServiceAccount } from 'kubernetes-types/core/v1.js'
import { isApiError } from '../../adapters/kubernetes/api-error.ts'
import type { KubernetesObject, ResourceType } from '../../adapters/kubernetes/types.ts'
import { builtInTypes } from '../api/resources.ts'
import type { Cluster } from './cluster.ts'
import { MANAGER } from './pods.ts'
import { types } from './types.ts'

const ROOT_CA = 'kube-root-ca.crt'
/** How soon a namespace that still has something in it is looked at again, in real milliseconds. */
const RETRY_MS = 200

/** Gives each namespace its default ServiceAccount and CA, and empties one that is being deleted. */
export function startNamespaces(cluster: Cluster): void {
  const namespaces = cluster.collection<Namespace>(types.namespaces)
  const accounts = cluster.collection<ServiceAccount>(types.serviceAccounts)
  const configMaps = cluster.collection<ConfigMap>(types.configMaps)
  const queue = cluster.queue(async (name) => {
    const namespace = namespaces.get('', name)
    if (!namespace) return undefined
    if (namespace.metadata?.deletionTimestamp) return empty(cluster, namespace)
    if (!accounts.get(name, 'default')) {
      await cluster.create(
        types.serviceAccounts,
        { metadata: { name: 'default', namespace: name } },
        name,
        MANAGER,
      )
    }
    if (!configMaps.get(name, ROOT_CA)) {
      const ca: ConfigMap = {
        metadata: {
          name: ROOT_CA,
          namespace: name,
          annotations: {
            'kubernetes.io/description':
              'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
          },
        },
        data: { 'ca.crt': cluster.client.access.tls.ca ?? '' },
      }
      await cluster.create(types.configMaps, ca, name, MANAGER)
    }
    return undefined
  })
  namespaces.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.name ?? '')
  })
  const restore = ({ metadata }: KubernetesObject, isDeleted: boolean) => {
    if (isDeleted) queue.add(metadata?.namespace ?? '')
  }
  accounts.onChange(restore)
  configMaps.onChange(restore)
}

/** Deletes what is left in the namespace; when nothing is, takes away the finalizer that holds it. */
async function empty(cluster: Cluster, namespace: Namespace): Promise<number | undefined> {
  const name = namespace.metadata?.name ?? ''
  const kinds = [...builtInTypes.filter(isEmptied), types.externalSecrets]
  const left = await Promise.all(kinds.map((type) => emptyKind(cluster, type, name)))
  if (left.some(Boolean)) return RETRY_MS
  await cluster.client.replace(types.namespaces, { ...namespace, spec: { finalizers: [] } } as Namespace, {
    subresource: 'finalize',
    signal: cluster.signal,
  })
  return undefined
}

function isEmptied({ namespaced, stored }: (typeof builtInTypes)[number]): boolean {
  return namespaced && stored !== false
}

/** @returns whether anything is left */
async function emptyKind(cluster: Cluster, type: ResourceType, namespace: string): Promise<boolean> {
  try {
    const { items } = await cluster.client.list(type, { namespace, limit: 1 })
    if (items.length === 0) return false
    await cluster.client.delete(type, '', { namespace, propagationPolicy: 'Background' })
    const after = await cluster.client.list(type, { namespace, limit: 1 })
    return after.items.length > 0
  } catch (error) {
    // A kind whose definition is gone has no objects.
    if (isApiError(error, 404)) return false
    throw error
  }
}
