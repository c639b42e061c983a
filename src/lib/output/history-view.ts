import { formatDuration } from '../domain/duration.ts'
import { versionChange } from '../domain/image.ts'
import type { AuditEntry } from '../domain/release/audit.ts'
import { patchOf, type ReleaseSet, type SetOutcome, sameState } from '../domain/release/release-set.ts'
import { count } from './count.ts'
import { table } from './table.ts'
import { symbols, type Theme } from './theme.ts'

interface History {
  environment: string
  sets: ReleaseSet[]
  operations: AuditEntry[]
  lock: { operation: string; id: string; by: string; alive: boolean } | null
  freeze: { reason: string; by: string } | null
  unfinished?: { message: string; resolve: string[] }[]
  unexplained?: { message: string }[]
  audit?: { entries: number; problems: string[] }
}

/** Release sets, newest first, then the lock and what --verify found. */
export function historyView(history: History, theme: Theme): string {
  const { environment, sets, lock, freeze, audit, unfinished = [], unexplained = [] } = history
  const rows = sets.map((set) => [
    set.id,
    set.operation,
    isCutOff(set, lock) ? theme.warn(`${symbols.warn} cut off`) : outcomeCell(set.outcome, theme),
    set.endedAt ? formatDuration(Date.parse(set.endedAt) - Date.parse(set.startedAt)) : '',
    set.by.name,
    changesCell(set),
  ])
  const lines = [
    sets.length === 0
      ? `${environment} has no release sets yet: the first deploy makes one`
      : table(['SET', 'OPERATION', 'OUTCOME', 'TOOK', 'BY', 'SERVICES'], rows),
  ]
  if (lock) lines.push(lockLine(lock, theme))
  if (freeze) lines.push(theme.warn(`${symbols.warn} frozen by ${freeze.by}: ${freeze.reason}`))
  for (const { message, resolve } of unfinished) {
    lines.push(
      theme.bad(`${symbols.bad} ${message}`),
      ...resolve.map((line) => `  ${theme.faint('→')} ${line}`),
    )
  }
  for (const { message } of unexplained) lines.push(theme.warn(`${symbols.warn} ${message}`))
  if (audit) lines.push(...auditLines(audit, theme))
  return lines.join('\n')
}

/** The record of an operation says that it runs, and nobody is there who could be running it. */
function isCutOff({ id, outcome }: ReleaseSet, lock: History['lock']): boolean {
  return outcome === 'running' && !(lock?.alive && lock.id === id)
}

function lockLine({ operation, id, by, alive }: NonNullable<History['lock']>, theme: Theme): string {
  const name = `${operation} ${id} of ${by}`
  if (alive) return `${symbols.running} ${name} is at work`
  return theme.warn(`${symbols.warn} ${name} was cut off: the next operation takes its lock over`)
}

function outcomeCell(outcome: SetOutcome, theme: Theme): string {
  if (outcome === 'good' || outcome === 'ready') return theme.good(`${symbols.good} ${outcome}`)
  if (outcome === 'running') return `${symbols.running} ${outcome}`
  if (outcome === 'failed') return theme.bad(`${symbols.bad} ${outcome}`)
  return theme.warn(`${symbols.warn} ${outcome}`)
}

function changesCell(set: ReleaseSet): string {
  const { operation, outcome, request, services, restored, proven, failure } = set
  const changed = Object.entries(services).flatMap(([name, { before, after }]) => {
    if (before?.revision === after?.revision || after === undefined) return []
    const version = versionChange({ before: before?.image, after: after.image })
    if (sameState(before, after)) return [`${name} as it was, ${version}`]
    return [`${name} ${version}`]
  })
  const begun = patchOf(set) !== undefined || outcome === 'ready'
  if (operation === 'scale' && begun)
    changed.push(`${request.services.join()} to ${count(request.replicas ?? 0, 'pod')}`)
  if (operation === 'restart' && begun) changed.push(`${request.services.join()} restarted`)
  const parts = [
    // What an operation has changed is on record when it has ended.
    changed.join(', ') || (outcome === 'running' ? 'not on record yet' : 'nothing changed'),
    ...(restored
      ? [`back to ${restored}${outcome === 'rolled-back' && proven ? ', proven good again' : ''}`]
      : []),
    ...(failure ? [failure] : []),
  ]
  return parts.join('; ')
}

function auditLines({ entries, problems }: { entries: number; problems: string[] }, theme: Theme): string[] {
  if (problems.length === 0) {
    return [
      `${theme.good(symbols.good)} audit log: ${entries === 1 ? '1 entry' : `${entries} entries`}, unbroken`,
    ]
  }
  return [
    theme.bad(`${symbols.bad} audit log: ${count(problems.length, 'problem')}`),
    ...problems.map((problem) => `  ${problem}`),
  ]
}
