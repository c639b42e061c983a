import type { Evidence } from '../../adapters/evidence.ts'
import type { ChartInput, Helm } from '../../adapters/helm/helm.ts'
import type { LiveState } from '../../adapters/kubernetes/live-state.ts'
import type { Workloads } from '../../adapters/kubernetes/workloads.ts'
import type { Environment } from '../../domain/environment.ts'
import type { FieldChange } from '../../domain/manifest/diff.ts'
import type { ServiceState } from '../../domain/release/release-set.ts'
import type { RolloutFailure } from '../../domain/rollout/report.ts'

/** What the user asked for. */
export interface DeployRequest {
  /** Empty: all. */
  services: string[]
  /** Image tag of each service that gets another one; `*` stands for all. */
  tags: Record<string, string>
  /** Values of the one service that are changed while all else stays as it runs: `config.rateLimit.max` -> `200`. */
  change?: Record<string, string>
  concurrency: number
  /** Milliseconds for the whole deploy. */
  timeoutMs: number
}

/** The outside world, as the deploy sees it. */
export interface DeployPorts {
  /** Identifies this deploy in release descriptions and in the folder of its evidence. */
  id: string
  environment: Environment
  /** What to type for kubectl to reach the environment's cluster. */
  kubectl: string
  helm: Pick<Helm, keyof Helm>
  workloads: Pick<Workloads, keyof Workloads>
  live: Pick<LiveState, keyof LiveState>
  evidence: Pick<Evidence, keyof Evidence>
  signal: AbortSignal
  /** Epoch milliseconds. */
  now: () => number
}

export interface ObjectChange {
  action: 'create' | 'update' | 'delete'
  /** `Deployment/api-gateway` */
  object: string
  fields: FieldChange[]
}

export type ServiceAction =
  /** No release yet. */
  | 'install'
  | 'upgrade'
  /** The manifest is the same, but the live objects or the release's status are not what it says. */
  | 'repair'
  /** An earlier run was killed in the middle of this release. */
  | 'recover'
  | 'unchanged'

export interface ServicePlan {
  service: string
  action: ServiceAction
  /** Counted from 0. */
  wave: number
  /** Revision before the deploy. */
  revision: number | undefined
  /** What the release is before the deploy; undefined where there is none. */
  before: ServiceState | undefined
  image: { before: string | undefined; after: string | undefined }
  /** Set when the tag was not asked for and stays what it was. */
  keptTag: string | undefined
  changes: ObjectChange[]
  /** Digest of what the chart renders to. */
  manifest: string
  /** Names of the Deployments whose roll-out is followed. */
  deployments: string[]
  /** Names of the Jobs that helm runs as hooks of an upgrade. */
  hookJobs: string[]
  input: ChartInput
}

/** What a user should know before it happens, and what to type about it. */
export interface Warning {
  message: string
  suggestions: string[]
}

export interface DeployPlan {
  environment: string
  namespace: string
  createNamespace: boolean
  /** Version of the API server, for example v1.34.0. */
  clusterVersion: string
  services: ServicePlan[]
  warnings: Warning[]
}

type ServiceOutcome =
  | 'restarted'
  | 'scaled'
  | 'deployed'
  | 'rolled-back'
  | 'unchanged'
  | 'failed'
  | 'interrupted'
  | 'skipped'

export interface ServiceResult {
  service: string
  outcome: ServiceOutcome
  revision: { before: number | undefined; after: number | undefined }
  image: { before: string | undefined; after: string | undefined }
  /** Its release was to be changed, and that was begun. */
  changed: boolean
  durationMs: number
  failure?: RolloutFailure
  /** What is no verdict on the roll-out: an error of helm, a lost permission, a time-out. */
  error?: string
  /** The API server was out of reach: whether the service works is not known, and nothing is done about it. */
  unknown?: boolean
  /** What could not be written or read about it; that decides no outcome. */
  reportingProblems?: string[]
}

export interface DeployResult {
  id: string
  environment: string
  namespace: string
  outcome: 'deployed' | 'unchanged'
  services: ServiceResult[]
  /** Those of its plan. */
  warnings: Warning[]
  durationMs: number
  /** Evidence and records that could not be written; absent where all is on record. */
  reportingProblems?: string[]
}
