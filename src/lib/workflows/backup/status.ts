import type { SlotState } from '../../adapters/postgres/slots.ts'
import type { CatalogContent } from '../../adapters/store/catalog.ts'
import { chainsOf, tipOf } from '../../domain/backup/chain.ts'
import { formatDuration } from '../../domain/duration.ts'
import { formatSize } from '../../domain/size.ts'

export interface BackupStatus {
  environment: string
  store: string
  ok: boolean
  /** What is beyond its threshold, to be acted on. */
  alarms: string[]
  lastGood: { id: string; kind: 'full' | 'incremental'; time: string; ageMs: number } | null
  slot: SlotState | null
  guard: { publication: boolean; triggers: boolean }
  damaged: string[]
  unfinished: string[]
}

/** How the backups of an environment stand. @param now epoch milliseconds */
export function judgeStatus(
  facts: {
    content: CatalogContent
    slots: SlotState[]
    guard: BackupStatus['guard']
    scratch: string[]
    alarm: { ageMs: number; slotBytes: number }
    now: number
  },
  where: { environment: string; store: string },
): BackupStatus {
  const { content, slots, guard, scratch, alarm, now } = facts
  const { chains, orphans } = chainsOf(content.manifests)
  const chain = chains.at(-1)
  const tip = chain && tipOf(chain)
  const slot = slots.find(({ name }) => name === tip?.slot)
  const ageMs = tip ? now - Date.parse(tip.end.time) : Infinity
  const alarms: string[] = []
  if (!tip) alarms.push('there is no good backup')
  else if (ageMs > alarm.ageMs)
    alarms.push(`the last good backup is ${formatDuration(ageMs)} old (limit ${formatDuration(alarm.ageMs)})`)
  if (tip && !slot)
    alarms.push(`the replication slot ${tip.slot} is gone: the next backup will be a full one`)
  if (slot && slot.walStatus !== 'reserved' && slot.walStatus !== 'extended')
    alarms.push(`the log of the replication slot ${slot.name} is ${slot.walStatus}`)
  if (slot && slot.keptBytes > alarm.slotBytes)
    alarms.push(
      `the server keeps ${formatSize(slot.keptBytes)} of log for ${slot.name} (limit ${formatSize(alarm.slotBytes)})`,
    )
  const others = slots.filter(({ name }) => name !== tip?.slot)
  for (const { name, keptBytes } of others)
    alarms.push(`the replication slot ${name} belongs to no chain and keeps ${formatSize(keptBytes)} of log`)
  if (tip && !guard.publication) alarms.push('the publication emr_backup is gone')
  if (tip && !guard.triggers) alarms.push('the event triggers of emr are gone or disabled')
  for (const { id } of content.damaged) alarms.push(`the manifest of ${id} is damaged`)
  for (const { id } of orphans) alarms.push(`${id} cannot be restored: the backup before it is gone`)
  for (const database of scratch)
    alarms.push(
      `database ${database} of a drill that was killed holds a copy of the data: the next drill drops it`,
    )
  return {
    ...where,
    ok: alarms.length === 0,
    alarms,
    lastGood: tip ? { id: tip.id, kind: tip.kind, time: tip.end.time, ageMs } : null,
    slot: slot ?? null,
    guard,
    damaged: content.damaged.map(({ id }) => id),
    unfinished: content.unfinished.map(({ id }) => id),
  }
}
