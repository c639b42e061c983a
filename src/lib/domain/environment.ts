import type { BackupSettings, DatabaseReference } from './backup/settings.ts'

/** How long each kind of trouble may last before a rollout is given up; milliseconds unless said otherwise. */
export interface RolloutThresholds {
  timeout: number
  imagePull: number
  containerConfig: number
  unschedulable: number
  scaleUp: number
  podCreation: number
  /** Count, not time. */
  restarts: number
}

export interface ServiceDefinition {
  name: string
  /** Absolute path of the chart's folder. */
  chart: string
  /** Absolute paths of the values files, in order. */
  values: string[]
  needs: string[]
}

export type ClusterReference =
  | { kind: 'eks'; name: string }
  | { kind: 'kubeconfig'; kubeconfig: string; context: string }
  | { kind: 'sandbox' }

export interface AwsAccount {
  accountId: string
  region: string
  profile?: string
  endpoint?: string
}

/** Where Terraform keeps the state of an environment, and what locks it. */
export interface StateBackend {
  bucket: string
  table: string
  key: string
  region: string
}

/** The Terraform of one environment; paths are absolute. */
export interface Infrastructure {
  folder: string
  varFile: string
  workspace: string
  backend: StateBackend
}

/** One environment with every default filled in and every path absolute. */
export interface Environment {
  name: string
  /** Write operations need its typed name. */
  protected: boolean
  namespace: string
  /** Where its gateway is reached from outside; undefined: as its Ingress says. */
  gateway?: string
  cluster: ClusterReference
  aws?: AwsAccount
  /** There where `aws` is. */
  infrastructure?: Infrastructure
  services: ServiceDefinition[]
  concurrency: number
  rollout: RolloutThresholds
  database?: DatabaseReference
  backup?: BackupSettings
}
