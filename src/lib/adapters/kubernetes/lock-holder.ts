import { formatDuration } from '../../domain/duration.ts'
import { EmrError, ExitCode } from '../../errors.ts'

/** Who holds the lock, and what for. */
export interface Holder {
  id: string
  operation: string
  by: string
  host: string
  pid: number
  /** Address of the CI job. */
  run?: string
  /** ISO times. */
  since: string
}

export interface Freeze {
  reason: string
  by: string
  since: string
}

/** `deploy 20260314T… of ci@runner (process 812)` */
export function nameOf({ operation, id, by, pid, run }: Holder): string {
  return `${operation} ${id} of ${by} (process ${pid}${run ? `, ${run}` : ''})`
}

export function locked(environment: string, holder: Holder): EmrError {
  const ageMs = Math.max(0, Date.now() - Date.parse(holder.since))
  return new EmrError(`${environment} is locked by ${nameOf(holder)}, since ${formatDuration(ageMs)}`, {
    code: 'LOCKED',
    exitCode: ExitCode.locked,
    details: { holder, ageMs },
    suggestions: ['wait for it: --wait-lock 10m'],
  })
}

export function frozen(environment: string, { reason, by, since }: Freeze): EmrError {
  return new EmrError(`${environment} is frozen by ${by} since ${since}: ${reason}`, {
    code: 'FROZEN',
    exitCode: ExitCode.locked,
    details: { freeze: { reason, by, since } },
    suggestions: [`emr unlock ${environment}`],
  })
}

/** @param holder who has lost it */
export function lockLost(environment: string, why: string, holder?: Holder): EmrError {
  return new EmrError(`the lock on ${environment} was lost: ${why}`, {
    code: 'LOCK_LOST',
    exitCode: ExitCode.locked,
    suggestions: [
      `see what was done since: emr history ${environment}`,
      `then run the ${holder?.operation ?? 'operation'} again`,
    ],
  })
}
