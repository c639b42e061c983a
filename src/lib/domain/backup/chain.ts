import { compareLsn, isLsn, type Lsn } from './lsn.ts'
import type { BackupManifest, FullManifest, IncrementalManifest, Point } from './manifest.ts'
import { formatMoment, parseMoment } from './moment.ts'

/** A full backup and the incrementals that go on from it, oldest first, without a gap. */
export interface Chain {
  full: FullManifest
  incrementals: IncrementalManifest[]
}

export interface Catalog {
  /** Oldest first. */
  chains: Chain[]
  /** Incrementals that hang in the air: their parent is missing, or ends elsewhere. */
  orphans: IncrementalManifest[]
}

/** Orders manifests into chains; the manifests may come in any order. */
export function chainsOf(manifests: readonly BackupManifest[]): Catalog {
  const fulls = manifests.filter((manifest) => manifest.kind === 'full')
  const rest = new Set(manifests.filter((manifest) => manifest.kind === 'incremental'))
  const chains = fulls.sort(byEnd).map((full): Chain => {
    const incrementals: IncrementalManifest[] = []
    for (let next = childOf(full, rest); next; next = childOf(next, rest)) {
      rest.delete(next)
      incrementals.push(next)
    }
    return { full, incrementals }
  })
  return { chains, orphans: [...rest].sort(byEnd) }
}

function childOf(
  parent: BackupManifest,
  candidates: Set<IncrementalManifest>,
): IncrementalManifest | undefined {
  for (const candidate of candidates) {
    const continues = candidate.parent === parent.id && candidate.start.lsn === parent.end.lsn
    if (continues && candidate.chain === parent.chain) return candidate
  }
  return undefined
}

function byEnd(a: BackupManifest, b: BackupManifest): number {
  return timeOf(a.end) - timeOf(b.end) || a.id.localeCompare(b.id)
}

function timeOf({ time }: Point): number {
  return parseMoment(time) ?? Number.NaN
}

/**
 * Backups that were made after the newest one that can be restored, and cannot be themselves: what was committed since is
 * in none but them.
 * @param damaged whose manifests cannot be read
 */
export function unusableAfter(
  { chains, orphans }: Catalog,
  damaged: readonly { id: string }[],
): { id: string }[] {
  const last = chains.at(-1)
  const tip = last && tipOf(last)
  const later = orphans.filter(({ end }) => !tip || timeOf(end) > timeOf(tip.end))
  // An id begins with its time.
  return [...damaged.filter(({ id }) => !tip || id > tip.id), ...later]
}

/** The last backup of a chain. */
export function tipOf({ full, incrementals }: Chain): BackupManifest {
  return incrementals.at(-1) ?? full
}

export function membersOf({ full, incrementals }: Chain): BackupManifest[] {
  return [full, ...incrementals]
}

/** Where a restore ends. */
export type RestoreTarget =
  | { kind: 'end' }
  /** Epoch microseconds. */
  | { kind: 'time'; time: number }
  | { kind: 'lsn'; lsn: Lsn }
  | { kind: 'backup'; id: string }

/** What to restore, and how far to replay. */
export interface RestorePlan {
  full: FullManifest
  /** In order; the last one may be replayed in part. */
  incrementals: IncrementalManifest[]
  /** Transactions that committed later than this are left out; undefined for none. Epoch microseconds. */
  untilTime?: number
  /** Transactions whose commit ends after this position are left out. */
  untilLsn?: Lsn
  /** Nothing that was committed after this time or beyond this position is in it. */
  end: Point
}

/** What `--to` may be: a time with its zone, an LSN, or the id of a backup. @returns undefined for anything else */
export function parseRestoreTarget(text: string, ids: readonly string[]): RestoreTarget | undefined {
  if (ids.includes(text)) return { kind: 'backup', id: text }
  if (isLsn(text)) return { kind: 'lsn', lsn: text }
  const time = parseMoment(text)
  return time === undefined ? undefined : { kind: 'time', time }
}

/** @returns undefined when no chain reaches the target */
export function planRestore(chains: readonly Chain[], target: RestoreTarget): RestorePlan | undefined {
  for (const chain of [...chains].reverse()) {
    const plan = planInChain(chain, target)
    if (plan) return plan
  }
  return undefined
}

function planInChain(chain: Chain, target: RestoreTarget): RestorePlan | undefined {
  const { full, incrementals } = chain
  if (target.kind === 'end') return { full, incrementals, end: tipOf(chain).end }
  const members = membersOf(chain)
  if (target.kind === 'backup') {
    const index = members.findIndex(({ id }) => id === target.id)
    const member = members[index]
    return member && { full, incrementals: incrementals.slice(0, index), end: member.end }
  }
  const reaches = (point: Point) =>
    target.kind === 'time' ? timeOf(point) >= target.time : compareLsn(point.lsn, target.lsn) >= 0
  const begins =
    target.kind === 'time' ? timeOf(full.end) <= target.time : compareLsn(full.end.lsn, target.lsn) <= 0
  const last = members.findIndex(({ end }) => reaches(end))
  const member = members[last]
  if (!begins || !member) return undefined
  const plan = { full, incrementals: incrementals.slice(0, last) }
  if (target.kind === 'lsn') return { ...plan, end: { ...member.end, lsn: target.lsn }, untilLsn: target.lsn }
  const { time } = target
  return { ...plan, end: { ...member.end, time: formatMoment(time) }, untilTime: time }
}
