import type { Identity } from '../../adapters/aws/account.ts'
import type { StateStoreView } from '../../adapters/aws/state-store.ts'
import type { Output, PlanMode, Terraform } from '../../adapters/terraform/terraform.ts'
import type { AwsAccount, Environment, Infrastructure } from '../../domain/environment.ts'
import type { VersionedService } from '../../domain/terraform/demands.ts'
import type { OfferCheck, OfferedVersion, QuotaName, QuotaView } from '../../domain/terraform/offers.ts'
import type { OutputChange, ResourceChange } from '../../domain/terraform/plan.ts'
import type { Counts, PlanGroup } from '../../domain/terraform/summary.ts'

/** What the infrastructure phase works with. */
export interface InfrastructurePorts {
  environment: Environment & { aws: AwsAccount; infrastructure: Infrastructure }
  terraform: Pick<Terraform, 'init' | 'selectWorkspace' | 'plan' | 'show' | 'apply' | 'output'>
  /** Path for the plan file. */
  planFile: string
  /** Whom the credentials belong to. */
  identity: () => Promise<Identity>
  /** What there is of the state's bucket and lock table. */
  stateStore: () => Promise<StateStoreView>
  /** When the newest available snapshot of a database was made, epoch milliseconds. */
  newestSnapshot: (instance: string) => Promise<number | undefined>
  /** The versions that AWS creates today. */
  offeredVersions: (service: VersionedService) => Promise<OfferedVersion[]>
  quota: (name: QuotaName) => Promise<QuotaView>
  signal: AbortSignal
  now: () => number
}

export interface InfrastructurePlan {
  environment: string
  workspace: string
  mode: PlanMode
  /** Equal for plans that do the same; what --approve takes. */
  fingerprint: string
  /** Terraform's own word on whether an apply would change anything. */
  applicable: boolean
  counts: Counts
  groups: PlanGroup[]
  changes: ResourceChange[]
  /** Outputs that the apply changes; sensitive values are hidden. */
  outputChanges: OutputChange[]
  /** What was changed outside Terraform. */
  drift: ResourceChange[]
  /** Databases and others that AWS will refuse to delete. */
  deletionProtected: string[]
  /** Identifiers of the databases that would go. */
  databases: { address: string; instance: string }[]
  /** Whether AWS will make what the plan asks for. */
  checks: OfferCheck[]
  warnings: string[]
}

export interface InfrastructureResult {
  environment: string
  mode: PlanMode
  outcome: 'applied' | 'unchanged'
  fingerprint: string
  counts: Counts
  /** How many outputs were changed. */
  changedOutputs: number
  durationMs: number
  /** Sensitive ones without their value. */
  outputs: Record<string, Output>
}
