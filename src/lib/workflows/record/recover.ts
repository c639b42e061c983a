import type { Helm } from '../../adapters/helm/helm.ts'
import type { AuditLog } from '../../adapters/kubernetes/audit-log.ts'
import type { ReleaseSets } from '../../adapters/kubernetes/release-sets.ts'
import { differingFrom, patchOf, type ReleaseSet, type SetOutcome } from '../../domain/release/release-set.ts'
import { liveStates } from '../release-state.ts'

export interface RecoveryPorts {
  sets: Pick<ReleaseSets, 'update'>
  audit: Pick<AuditLog, 'append' | 'entries'>
  helm: Pick<Helm, 'status'>
  signal: AbortSignal
  now: () => number
}

/**
 * Closes the records of operations whose process was killed; to be called with the lock held, when none of them can
 * be alive. The releases themselves are mended by whatever is done next.
 * @param sets of the environment
 * @returns one line for each, saying what was half done
 */
export async function closeAbandoned(ports: RecoveryPorts, sets: ReleaseSet[]): Promise<string[]> {
  const running = sets.filter(({ outcome }) => outcome === 'running')
  if (running.length === 0) return []
  const entries = await ports.audit.entries(ports.signal)
  const notices: string[] = []
  for (const set of running) {
    const live = await liveStates(ports.helm, Object.keys(set.services), ports.signal)
    const services = Object.fromEntries(
      Object.entries(set.services).map(([name, record]) => [name, { ...record, after: live[name] }]),
    )
    const endedAt = new Date(ports.now()).toISOString()
    // The audit log is written first: what stands there is how the operation ended.
    const known = entries.find(({ id }) => id === set.id)?.outcome as SetOutcome | undefined
    if (known === undefined) await ports.audit.append(entryOf(set, ports.now()), ports.signal)
    await ports.sets.update({ ...set, services, outcome: known ?? 'abandoned', endedAt }, ports.signal)
    if (known === undefined) notices.push(noticeOf(set, differingFrom(set.services, live)))
  }
  return notices
}

function entryOf(set: ReleaseSet, now: number) {
  const { id, operation, by, startedAt, request } = set
  const durationMs = now - Date.parse(startedAt)
  return { id, operation, by, startedAt, durationMs, request, outcome: 'abandoned' }
}

function noticeOf(set: ReleaseSet, changed: string[]): string {
  const { operation, id, by, phases } = set
  const phase = phases.findLast(({ endedAt }) => endedAt === undefined)?.name ?? phases.at(-1)?.name
  const where = phase ? `in the phase '${phase}'; it ${doneBy(set, changed)}` : 'before it changed anything'
  return `${operation} ${id} of ${by.name} was cut off ${where}`
}

function doneBy(set: ReleaseSet, changed: string[]): string {
  const { operation, request } = set
  const patch = patchOf(set)
  if (patch) {
    const count = request.replicas === undefined ? '' : ` to ${request.replicas}`
    return `${patch.endedAt ? 'had' : 'may have'} begun to ${operation} ${request.services.join()}${count}`
  }
  return changed.length > 0 ? `had begun to change: ${changed.join(', ')}` : 'had changed nothing'
}
