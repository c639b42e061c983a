import type { LockStatus } from '../adapters/kubernetes/environment-lock.ts'
import type { Freeze } from '../adapters/kubernetes/lock-holder.ts'
import { digest } from '../digest.ts'
import { type AuditEntry, chainProblems } from '../domain/release/audit.ts'
import type { ReleaseSet } from '../domain/release/release-set.ts'
import { ExitCode } from '../errors.ts'
import { historyView } from '../output/history-view.ts'
import { stdoutTheme } from '../output/theme.ts'
import type { CommandContext, Report } from './base-command.ts'
import { type EnvironmentAccess, reachEnvironment } from './environment-access.ts'
import { openSession, type SessionFlags } from './session.ts'

export interface HistoryDocument {
  environment: string
  /** Newest first. */
  sets: ReleaseSet[]
  /** Newest first: every write operation. */
  operations: AuditEntry[]
  /** Not alive: its process has ended, and the next operation takes the lock over. */
  lock: NonNullable<LockStatus['holder']> | null
  freeze: Freeze | null
  /** With --verify. */
  audit?: { entries: number; problems: string[] }
}

/** `emr history` */
export async function runHistory(
  flags: SessionFlags & { limit: number; verify: boolean },
  { signal }: CommandContext,
): Promise<Report<HistoryDocument>> {
  const session = await openSession(flags, signal)
  const access = await reachEnvironment(session)
  const [sets, entries, status] = await Promise.all([
    access.sets.list(signal),
    access.audit.entries(signal),
    access.lock.status(signal),
  ])
  const document: HistoryDocument = {
    environment: session.environment.name,
    sets: sets.toReversed().slice(0, flags.limit),
    operations: entries.toReversed().slice(0, flags.limit),
    lock: status.holder ?? null,
    freeze: status.freeze ?? null,
    ...(flags.verify && { audit: verification(sets, entries, status.head) }),
  }
  const tampered = (document.audit?.problems.length ?? 0) > 0
  return {
    document,
    text: historyView(document, stdoutTheme),
    exitCode: tampered ? ExitCode.failed : ExitCode.ok,
  }
}

function verification(
  sets: ReleaseSet[],
  entries: AuditEntry[],
  head: Awaited<ReturnType<EnvironmentAccess['lock']['status']>>['head'],
): { entries: number; problems: string[] } {
  const recorded = new Set(entries.map(({ id }) => id))
  const unaudited = sets
    .filter(({ id, outcome }) => outcome !== 'running' && !recorded.has(id))
    .map(({ id, operation }) => `${operation} ${id} has no entry`)
  return { entries: entries.length, problems: [...chainProblems(entries, digest, head), ...unaudited] }
}
