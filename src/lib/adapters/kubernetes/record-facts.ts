import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type { ConfigMap } from 'kubernetes-types/core/v1.js'
import type { RecordFacts } from '../../domain/diagnosis/facts.ts'
import type { ReleaseSet } from '../../domain/release/release-set.ts'
import { isApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { isDead } from './environment-lock.ts'
import { holderOf, LEASE_NAME } from './lease.ts'
import { releaseSetSchema } from './record-schemas.ts'
import { parseRecord, recordSelector } from './records.ts'
import { resources } from './resources.ts'

/** What selects the ConfigMaps of release sets. */
export const RELEASE_SETS = recordSelector('release-set')
export const LOCK = `metadata.name=${LEASE_NAME}`

/** A release set, or the name of the ConfigMap that holds none. */
export type SetRecord = { set: ReleaseSet } | { damaged: string }

/** Never throws: one record that somebody has changed does not hide the others. */
export function setRecord(configMap: ConfigMap): SetRecord {
  try {
    return { set: parseRecord(configMap, releaseSetSchema) }
  } catch {
    return { damaged: configMap.metadata?.name ?? '' }
  }
}

/** @param lock the Lease; undefined where there is none, `denied` where it may not be read */
export function recordFacts(records: Iterable<SetRecord>, lock: Lease | undefined | 'denied'): RecordFacts {
  const all = [...records]
  const sets = all.flatMap((record) => ('set' in record ? record.set : []))
  const holder = lock === 'denied' ? undefined : holderOf(lock)
  const isAlive = holder !== undefined && lock !== 'denied' && !isDead(lock, holder)
  return {
    sets: sets.sort((a, b) => (a.id < b.id ? -1 : 1)),
    damaged: all.flatMap((record) => ('damaged' in record ? record.damaged : [])),
    atWork: isAlive ? holder.id : undefined,
    isLockKnown: lock !== 'denied',
  }
}

/** Reads the records of a namespace's operations, and whether one of them is at work. */
export async function readRecords(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<RecordFacts> {
  const options = { namespace, labelSelector: RELEASE_SETS, signal }
  const [{ items }, lock] = await Promise.all([
    client.list<ConfigMap>(resources.configMaps, options),
    client.get<Lease>(resources.leases, LEASE_NAME, { namespace, signal }).catch((error: unknown) => {
      if (isApiError(error, 404)) return undefined
      if (isApiError(error, 403)) return 'denied' as const
      throw error
    }),
  ])
  return recordFacts(items.map(setRecord), lock)
}
