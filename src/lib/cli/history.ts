import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { LockStatus } from '../adapters/kubernetes/environment-lock.ts'
import { deploymentFacts } from '../adapters/kubernetes/facts.ts'
import type { Freeze } from '../adapters/kubernetes/lock-holder.ts'
import { resources } from '../adapters/kubernetes/resources.ts'
import { digest } from '../digest.ts'
import { recordedState } from '../domain/diagnosis/records.ts'
import { type AuditEntry, chainProblems } from '../domain/release/audit.ts'
import type { ReleaseSet } from '../domain/release/release-set.ts'
import {
  type UnexplainedVersion,
  type Unfinished,
  unexplainedVersions,
  unfinishedOperations,
} from '../domain/release/unfinished.ts'
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
  /** Operations that were interrupted or killed and that nothing has resolved since, newest first. */
  unfinished: Unfinished[]
  /** Services that run what no record explains. */
  unexplained: UnexplainedVersion[]
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
  const { environment } = session
  const [sets, entries, status, { items }] = await Promise.all([
    access.sets.list(signal),
    access.audit.entries(signal),
    access.lock.status(signal),
    access.client.list<Deployment>(resources.deployments, { namespace: environment.namespace, signal }),
  ])
  const { holder } = status
  const atWork = holder?.alive ? holder.id : undefined
  const records = { sets, damaged: [], atWork, isLockKnown: true }
  const names = environment.services.map(({ name }) => name)
  const state = recordedState(environment.name, names, records, items.map(deploymentFacts))
  const document: HistoryDocument = {
    environment: session.environment.name,
    sets: sets.toReversed().slice(0, flags.limit),
    operations: entries.toReversed().slice(0, flags.limit),
    lock: status.holder ?? null,
    freeze: status.freeze ?? null,
    unfinished: unfinishedOperations(state),
    unexplained: unexplainedVersions(state),
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
