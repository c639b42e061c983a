import type { Pod, ResourceQuota } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../adapters/kubernetes/types.ts'
import { amountText, quotaUsage } from '../api/admission/quota.ts'
import type { ApiObject } from '../json.ts'
import { Entry } from '../store/entry.ts'
import type { Cluster } from './cluster.ts'
import { MANAGER } from './pods.ts'
import { types } from './types.ts'

/** ResourceQuota status: what of the quota is used. The server itself enforces it. */
export function startQuotas(cluster: Cluster): void {
  const quotas = cluster.collection<ResourceQuota>(types.quotas)
  const pods = cluster.collection<Pod>(types.pods)
  for (const type of [types.services, types.secrets, types.configMaps]) cluster.collection(type)
  const queue = cluster.queue(async (uid) => {
    const quota = quotas.byUid(uid)
    if (!quota || quota.metadata?.deletionTimestamp) return undefined
    const hard = quota.spec?.hard ?? {}
    const usage = quotaUsage(countable(cluster), quota.metadata?.namespace ?? '', Object.keys(hard))
    const used = Object.fromEntries([...usage].map(([resource, amount]) => [resource, amountText(amount)]))
    await cluster.setStatus(types.quotas, quota, { hard, used }, MANAGER)
    return undefined
  })
  quotas.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.uid ?? '')
  })
  pods.onChange(({ metadata }) => {
    for (const quota of quotas.list(metadata?.namespace)) queue.add(quota.metadata?.uid ?? '')
  })
}

/** The local copies in the form in which the server counts its own. */
function countable(cluster: Cluster) {
  return {
    list: (collection: string, namespace?: string): Entry[] => {
      const type = Object.values(types).find(({ plural, group }) =>
        group === '' ? plural === collection : `${plural}.${group}` === collection,
      )
      const objects = type ? cluster.collection<KubernetesObject>(type).list(namespace) : []
      return objects.map((object) => new Entry(object as ApiObject, 0, ''))
    },
  }
}
