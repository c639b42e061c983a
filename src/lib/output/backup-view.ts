import { type BackupManifest, storedBytes } from '../domain/backup/manifest.ts'
import { formatDuration } from '../domain/duration.ts'
import { formatSize } from '../domain/size.ts'
import type { DrillResult } from '../workflows/backup/drill.ts'
import type { BackupList, ListedBackup } from '../workflows/backup/list.ts'
import type { PruneResult } from '../workflows/backup/prune.ts'
import type { RestoreResult } from '../workflows/backup/restore.ts'
import type { BackupStatus } from '../workflows/backup/status.ts'
import type { VerifyResult } from '../workflows/backup/verify.ts'
import { clean } from './clean.ts'
import { count } from './count.ts'
import { table } from './table.ts'
import { symbols, type Theme } from './theme.ts'

/** What was made, and what to type next. */
export function createdView(
  manifest: BackupManifest,
  asked: 'full' | 'incremental',
  store: string,
  theme: Theme,
): string {
  const { id, environment, kind, end } = manifest
  const took = formatDuration(Date.parse(manifest.finishedAt) - Date.parse(manifest.startedAt))
  const size = formatSize(storedBytes(manifest))
  const held = kind === 'full' ? '' : `${count(manifest.transactions, 'transaction')}, `
  const reason =
    kind === 'full' && asked === 'incremental' && manifest.reason
      ? [theme.warn(`${symbols.warn} A full backup in place of an incremental: ${manifest.reason}`)]
      : []
  const omitted = (kind === 'full' ? (manifest.omitted ?? []) : []).map((what) =>
    theme.warn(`${symbols.warn} Not in the backup: ${clean(what)}`),
  )
  return [
    ...reason,
    ...omitted,
    `${theme.good(symbols.good)} ${environment}: ${kind} backup ${theme.strong(id)}, ${held}${size} in ${took}`,
    `  holds everything committed before ${end.time} (${end.lsn}), in ${store}`,
    `  next: emr db-backup verify ${environment} --backup ${id}`,
  ].join('\n')
}

/** Chains as trees, the newest last, then what is no backup. */
export function listView(list: BackupList, theme: Theme): string {
  const lines: string[] = []
  for (const chain of list.chains) {
    const rows = chain.backups.map((backup, index) => {
      const branch = index === 0 ? '' : index === chain.backups.length - 1 ? '└─ ' : '├─ '
      return [`${branch}${backup.id}`, backup.kind, backup.time, formatSize(backup.bytes), remarks(backup)]
    })
    lines.push(table(['BACKUP', 'KIND', 'UP TO', 'SIZE', 'REMARKS'], rows))
    const from = theme.faint(`  restorable: ${chain.restorableFrom} to ${chain.restorableTo}`)
    lines.push(`${from}${theme.faint(`, ${formatSize(chain.bytes)} in all`)}`, '')
  }
  for (const { id, problem } of list.damaged)
    lines.push(`${theme.bad(symbols.bad)} ${id} is damaged: ${problem}`)
  for (const id of list.orphans)
    lines.push(`${theme.bad(symbols.bad)} ${id} cannot be restored: the backup before it is gone`)
  for (const id of list.unfinished)
    lines.push(`${theme.warn(symbols.warn)} ${id} did not finish (or is under way)`)
  const { lastGood } = list
  lines.push(
    lastGood
      ? `The last good backup of ${list.environment} is ${formatDuration(lastGood.ageMs)} old (${list.store})`
      : `${list.environment} has no good backup in ${list.store}; make one: emr db-backup full ${list.environment}`,
  )
  return lines.join('\n')
}

function remarks({ reason, annotations }: ListedBackup): string {
  const notes = Object.entries(annotations).map(([key, value]) => `${key}=${value}`)
  return [...(reason ? [reason] : []), ...notes].join(', ')
}

export function verifyView({ backups, bytes, durationMs, environment }: VerifyResult, theme: Theme): string {
  const lines = backups.map(({ id, ok, problems }) =>
    ok
      ? `${theme.good(symbols.good)} ${id}`
      : [`${theme.bad(symbols.bad)} ${id}`, ...problems.map((problem) => `    ${problem}`)].join('\n'),
  )
  const bad = backups.filter(({ ok }) => !ok).length
  const verdict = bad === 0 ? 'all good' : `${bad} cannot be restored`
  lines.push(
    `${environment}: ${count(backups.length, 'backup')} read, ${formatSize(bytes)} in ${formatDuration(durationMs)}: ${verdict}`,
  )
  return lines.join('\n')
}

export function restoreView(result: RestoreResult, theme: Theme): string {
  const { environment, database, backup, point, incrementals, transactions, resumed, durationMs } = result
  const last = result.lastTransaction
  const replayed =
    incrementals === 0
      ? ''
      : `, ${count(transactions, 'transaction')} of ${count(incrementals, 'incremental')} replayed`
  return [
    `${theme.good(symbols.good)} ${environment} is restored into database ${theme.strong(database)} from ${backup}${replayed}${resumed ? ' (resumed)' : ''} in ${formatDuration(durationMs)}`,
    `  nothing committed after ${point.time} or beyond ${point.lsn} is in it${last ? `; the last transaction replayed: ${last.time} (${last.lsn})` : ''}`,
    '  next: let the services use it (docs/runbooks/backup-and-restore.md)',
  ].join('\n')
}

export function pruneView(result: PruneResult, theme: Theme): string {
  const rows = result.decisions.map(({ id, action, reason }) => [
    action === 'delete' ? theme.removed('- delete') : theme.faint('  keep'),
    id,
    reason,
  ])
  const doomed = result.decisions.filter(({ action }) => action === 'delete').length
  const uploads = result.uploads === 0 ? '' : ` and ${count(result.uploads, 'unfinished upload')}`
  const verdict = result.applied
    ? `${count(doomed, 'backup')}${uploads} deleted.`
    : `${count(doomed, 'backup')}${uploads} to delete. Nothing was deleted; do it with: emr db-backup prune ${result.environment} --apply`
  return [...(rows.length === 0 ? [] : [table(undefined, rows)]), verdict].join('\n')
}

export function drillView(result: DrillResult, theme: Theme): string {
  const { environment, ok, point, rpoMs, rtoMs, tables, rows, differences, unpopulatedViews } = result
  const rpo = rpoMs === null ? 'no backup before it' : formatDuration(rpoMs)
  const views =
    unpopulatedViews.length === 0 ? '' : ` and ${count(unpopulatedViews.length, 'materialised view')}`
  const lines = [
    ok
      ? `${theme.good(symbols.good)} ${environment}: the backups restore; ${count(tables, 'table')} with ${count(rows, 'row')} are those of the source at ${point.time}`
      : `${theme.bad(symbols.bad)} ${environment}: ${count(differences.length, 'table')} of ${tables}${views} are not those of the source at ${point.time}`,
    ...differences.map(
      ({ table: name, sourceRows, restoredRows }) =>
        `    ${name}: ${sourceRows ?? 'no'} rows in the source, ${restoredRows ?? 'none'} restored`,
    ),
    ...unpopulatedViews.map((name) => `    ${name}: populated in the source, not in the copy`),
    `  RPO ${rpo} (a loss would have cost that much), RTO ${formatDuration(rtoMs)} (the restore)`,
  ]
  return lines.join('\n')
}

export function statusView(status: BackupStatus, theme: Theme): string {
  const { lastGood, slot, alarms, environment } = status
  const rows = [
    ['store', status.store],
    [
      'last good',
      lastGood ? `${lastGood.id} (${lastGood.kind}), ${formatDuration(lastGood.ageMs)} old` : 'none',
    ],
    ['slot', slot ? `${slot.name}, ${slot.walStatus}, ${formatSize(slot.keptBytes)} of log kept` : 'none'],
    ['publication', status.guard.publication ? 'there' : 'missing'],
    ['event triggers', status.guard.triggers ? 'there' : 'missing'],
    ...(status.unfinished.length > 0 ? [['unfinished', status.unfinished.join(', ')]] : []),
  ]
  const verdict = status.ok
    ? `${theme.good(symbols.good)} ${environment}: the backups are in order`
    : alarms.map((alarm) => `${theme.bad(symbols.bad)} ${environment}: ${alarm}`).join('\n')
  return `${table(undefined, rows)}\n${verdict}`
}
