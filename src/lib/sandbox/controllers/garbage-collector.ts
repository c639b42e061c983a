import type { OwnerReference } from 'kubernetes-types/meta/v1.js'
import { isApiError } from '../../adapters/kubernetes/api-error.ts'
import type { KubernetesObject, ResourceType } from '../../adapters/kubernetes/types.ts'
import type { Cluster } from './cluster.ts'
import type { Collection } from './collection.ts'
import { types } from './types.ts'

const FOREGROUND = 'foregroundDeletion'
const ORPHAN = 'orphan'

/** The kinds that own others or are owned, in the sandbox. */
const COLLECTED: ResourceType[] = [
  types.deployments,
  types.replicaSets,
  types.pods,
  types.jobs,
  types.services,
  types.endpointSlices,
  types.secrets,
  types.configMaps,
  types.externalSecrets,
]

interface Item {
  type: ResourceType
  object: KubernetesObject
}

/**
 * Deletes objects whose owners are gone, and does what the finalizers `foregroundDeletion` and `orphan` wait for;
 * after pkg/controller/garbagecollector.
 */
export function startGarbageCollector(cluster: Cluster): void {
  const graph = new OwnerGraph(cluster)
  const queue = cluster.queue(async (uid) => {
    const owner = graph.find(uid)
    if (!owner) await releaseDependents(cluster, graph, uid)
    else if (owner.object.metadata?.deletionTimestamp) await finish(cluster, graph, owner)
    return undefined
  })
  for (const { items } of graph.collections) watchOwners(items, (uid) => queue.add(uid), graph)
}

class OwnerGraph {
  readonly collections: { type: ResourceType; items: Collection<KubernetesObject> }[]

  constructor(cluster: Cluster) {
    this.collections = COLLECTED.map((type) => ({ type, items: cluster.collection(type) }))
  }

  find(uid: string): Item | undefined {
    for (const { type, items } of this.collections) {
      const object = items.byUid(uid)
      if (object) return { type, object }
    }
    return undefined
  }

  dependentsOf(uid: string): Item[] {
    return this.collections.flatMap(({ type, items }) =>
      items.ownedBy(uid).map((object) => ({ type, object })),
    )
  }
}

async function finish(cluster: Cluster, graph: OwnerGraph, owner: Item): Promise<void> {
  const { uid = '', finalizers = [] } = owner.object.metadata ?? {}
  const dependents = graph.dependentsOf(uid)
  if (finalizers.includes(ORPHAN)) {
    for (const { type, object } of dependents) await disown(cluster, type, object, uid)
    await removeFinalizer(cluster, owner, ORPHAN)
  } else if (finalizers.includes(FOREGROUND)) {
    for (const { type, object } of dependents.filter((item) => blocks(item.object, uid))) {
      if (object.metadata?.deletionTimestamp) continue
      await cluster.delete(type, object, { propagationPolicy: 'Foreground' })
    }
    if (graph.dependentsOf(uid).every(({ object }) => !blocks(object, uid))) {
      await removeFinalizer(cluster, owner, FOREGROUND)
    }
  }
}

async function releaseDependents(cluster: Cluster, graph: OwnerGraph, uid: string): Promise<void> {
  for (const item of graph.dependentsOf(uid)) await release(cluster, graph, item, uid)
}

function watchOwners(
  items: Collection<KubernetesObject>,
  add: (uid: string) => void,
  graph: OwnerGraph,
): void {
  items.onChange(({ metadata }, isDeleted) => {
    if (isDeleted || (metadata?.deletionTimestamp && metadata.finalizers?.length)) add(metadata?.uid ?? '')
    for (const owner of metadata?.ownerReferences ?? []) {
      // The end of a dependent may be what a foreground deletion waits for.
      if (isDeleted || !graph.find(owner.uid)) add(owner.uid)
    }
  })
}

function blocks({ metadata }: KubernetesObject, owner: string): boolean {
  return (
    metadata?.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === owner && blockOwnerDeletion) ??
    false
  )
}

/** An object whose owner is gone goes too, unless another owner is left. */
async function release(
  cluster: Cluster,
  graph: OwnerGraph,
  { type, object }: Item,
  owner: string,
): Promise<void> {
  if (object.metadata?.deletionTimestamp) return
  const reference = object.metadata?.ownerReferences?.find(({ uid }) => uid === owner)
  // Nobody may be deleted because a copy is behind: ask the server itself.
  if (reference && (await isThere(cluster, reference, object.metadata?.namespace))) return
  const others = (object.metadata?.ownerReferences ?? []).filter(
    ({ uid }) => uid !== owner && graph.find(uid),
  )
  if (others.length > 0) await disown(cluster, type, object, owner)
  else await cluster.delete(type, object, { propagationPolicy: 'Background' })
}

async function isThere(
  cluster: Cluster,
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string | undefined,
): Promise<boolean> {
  const type = COLLECTED.find(
    (candidate) =>
      candidate.kind === kind &&
      apiVersion.endsWith(candidate.version) &&
      apiVersion.startsWith(candidate.group),
  )
  // An owner of a kind that is not looked after here is left in peace, and so is what it owns.
  if (!type) return true
  try {
    const owner = await cluster.client.get(type, name, { namespace })
    return owner.metadata?.uid === uid
  } catch (error) {
    if (isApiError(error, 404)) return false
    throw error
  }
}

async function disown(
  cluster: Cluster,
  type: ResourceType,
  object: KubernetesObject,
  owner: string,
): Promise<void> {
  const ownerReferences = (object.metadata?.ownerReferences ?? []).filter(({ uid }) => uid !== owner)
  await cluster.patch(
    type,
    object,
    { metadata: { ownerReferences } },
    { fieldManager: 'kube-controller-manager' },
  )
}

async function removeFinalizer(cluster: Cluster, { type, object }: Item, finalizer: string): Promise<void> {
  const { name = '', namespace, resourceVersion } = object.metadata ?? {}
  const finalizers = (object.metadata?.finalizers ?? []).filter((other) => other !== finalizer)
  const left = await cluster.client.patch<KubernetesObject>(
    type,
    name,
    { metadata: { finalizers, resourceVersion } },
    {
      type: 'application/merge-patch+json',
      namespace,
      signal: cluster.signal,
    },
  )
  if (finalizers.length > 0) cluster.collection(type).observe(left)
}
