import type { ReleaseSet } from '../release/release-set.ts'
import type { DeploymentFacts, EventFacts, JobFacts, PodFacts, ReplicaSetFacts } from '../rollout/facts.ts'
import type { DatabaseNetwork } from './database-network.ts'

/** What a condition of an object's status says. Times are epoch milliseconds. */
export interface Condition {
  type: string
  status: string
  reason: string
  message: string
  since: number
}

interface Identity {
  uid: string
  name: string
}

interface PortFacts {
  name?: string
  port: number
  /** Number, or name of a container's port. */
  target: number | string
}

/** A Deployment with what its pods are made from. */
export interface WorkloadFacts extends DeploymentFacts {
  labels: Record<string, string>
  /** The ports that each of its containers declares. */
  ports: { name?: string; number: number }[][]
  /** By container. */
  limits: Record<string, Partial<Usage>>
}

export interface ServiceFacts extends Identity {
  service?: string
  /** Empty for a Service without one, whose endpoints somebody else makes. */
  selector: Record<string, string>
  ports: PortFacts[]
}

export interface EndpointFacts extends Identity {
  /** Name of the Service. */
  of: string
  ready: number
  notReady: number
}

export interface IngressFacts extends Identity {
  service?: string
  createdAt: number
  addresses: string[]
  backends: { service: string; port: number | string | undefined }[]
}

export interface AutoscalerFacts extends Identity {
  service?: string
  /** Name of the Deployment. */
  target: string
  min: number
  max: number
  current: number
  desired: number
  /** Utilisation in per cent, against its target. */
  metrics: { name: string; current: number | undefined; target: number | undefined }[]
  conditions: Condition[]
}

export interface BudgetFacts extends Identity {
  service?: string
  allowed: number
  healthy: number
  required: number
  expected: number
}

export interface ClaimFacts extends Identity {
  phase: string
  createdAt: number
}

export interface QuotaFacts extends Identity {
  /** In units (cores, bytes, pieces). */
  resources: { name: string; used: number; hard: number }[]
}

export interface PolicyFacts extends Identity {
  selector: Record<string, string>
  /** Whether ingress is its business, and how many rules let something in. */
  ingress: boolean
  ingressRules: number
}

export interface ExternalSecretFacts extends Identity {
  service?: string
  /** Name of the Secret that it makes. */
  secret: string
  createdAt: number
  /** Name of the store that it reads from. */
  store?: string
  conditions: Condition[]
}

/** What helm has deployed. */
export interface ReleaseFacts {
  /** That of its service. */
  name: string
  objects: { kind: string; name: string }[]
}

export interface NodeFacts extends Identity {
  ready: boolean
  schedulable: boolean
  conditions: Condition[]
  /** Cores and bytes that pods may use. */
  cpu: number
  memory: number
  version: string
  createdAt: number
}

export interface Usage {
  /** Cores. */
  cpu: number
  /** Bytes. */
  memory: number
}

/** The records of an environment's operations. */
export interface RecordFacts {
  /** Oldest first. */
  sets: ReleaseSet[]
  /** Names of ConfigMaps that hold no record that can be read. */
  damaged: string[]
  /** Id of the operation that holds the lock and lives. */
  atWork: string | undefined
  /** False where the lock may not be read. */
  isLockKnown: boolean
}

interface DatabaseFacts {
  id: string
  status: string
}

/** Kinds that can be looked at, one by one, because each may be refused. */
export interface EnvironmentFacts {
  deployments: WorkloadFacts[]
  replicaSets: ReplicaSetFacts[]
  pods: PodFacts[]
  events: EventFacts[]
  jobs: JobFacts[]
  services: ServiceFacts[]
  endpoints: EndpointFacts[]
  ingresses: IngressFacts[]
  autoscalers: AutoscalerFacts[]
  budgets: BudgetFacts[]
  claims: ClaimFacts[]
  quotas: QuotaFacts[]
  policies: PolicyFacts[]
  externalSecrets: ExternalSecretFacts[]
  releases: ReleaseFacts[]
  records: RecordFacts
  configMaps: { name: string }[]
  serviceAccounts: { name: string }[]
  nodes: NodeFacts[]
  /** Available pods of CoreDNS; undefined where it is not deployed as such. */
  dns: { available: number; uid: string } | undefined
  /** Usage by pod and container; undefined where the metrics API does not answer. */
  podUsage: Map<string, Map<string, Usage>> | undefined
  nodeUsage: Map<string, Usage> | undefined
  databases: DatabaseFacts[]
  /** Of an environment on EKS whose databases are known. */
  databaseNetwork: DatabaseNetwork
  alarms: { name: string; state: string; reason: string }[]
}

/** What was not looked at, and why: never to be taken for healthy. */
export interface Gap {
  what: string
  why: string
}
