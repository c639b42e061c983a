import type { LiveStates, ReleaseSet } from '../../domain/release/release-set.ts'
import type { PlannedService } from '../deploy/service-tasks.ts'
import type { ObjectChange, ServiceResult, Warning } from '../deploy/types.ts'

/** What the user asked for. */
export interface RollbackRequest {
  /** Empty: all. */
  services: string[]
  /** Id of a release set, in place of the last good one. */
  to: string | undefined
  /** helm's number, for a single service. */
  revision: number | undefined
  concurrency: number
  /** Milliseconds for the whole rollback. */
  timeoutMs: number
}

export interface RollbackService extends PlannedService {
  /** `unchanged`: it is what the set left it as; its pods are followed all the same. */
  action: 'rollback' | 'unchanged'
  /** The revision to go back to. */
  target: number
  changes: ObjectChange[]
  deployments: string[]
}

export interface RollbackPlan {
  environment: string
  namespace: string
  /** The set to go back to; absent where a revision was named. */
  set?: { id: string; startedAt: string; proven: boolean }
  services: RollbackService[]
  /** Services that came after the set: they stay as they are. */
  added: string[]
  /** Services of the set that are not installed any more: a rollback cannot bring them back. */
  missing: string[]
  /** Of those services whose pods stay as they are until somebody resumes their rollouts. */
  warnings: Warning[]
}

/** Everything that a plan is made from. */
export interface RollbackFacts {
  sets: ReleaseSet[]
  live: LiveStates
}

export interface RollbackResult {
  id: string
  environment: string
  namespace: string
  outcome: 'rolled-back' | 'unchanged'
  set: string | undefined
  services: ServiceResult[]
  added: string[]
  missing: string[]
  durationMs: number
  /** Evidence and records that could not be written; absent where all is on record. */
  reportingProblems?: string[]
}
