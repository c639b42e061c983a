import type { DatabaseCause } from './database.ts'

/**
 * Everything that emr can find wrong, in one place: what it is called, how far down it lies, and whether the environment
 * is unhealthy for it. A cause lies in a lower layer than what it brings about.
 */
export const CATALOGUE = {
  NODE_NOT_READY: { headline: 'a node is not ready', layer: 0, severity: 'problem' },
  NODE_PRESSURE: { headline: 'a node runs out of a resource', layer: 0, severity: 'problem' },
  DATABASE_DOWN: { headline: 'the database is not available', layer: 0, severity: 'problem' },
  DATABASE_BLOCKED: {
    headline: 'a security group or a network ACL keeps the pods from the database',
    layer: 0,
    severity: 'problem',
  },
  DATABASE_UNROUTED: {
    headline: 'no route leads from the pods to the database',
    layer: 0,
    severity: 'problem',
  },
  DNS_MISSING: { headline: 'CoreDNS is not available', layer: 0, severity: 'problem' },
  POD_REFUSED: { headline: 'the API server refuses the pods', layer: 1, severity: 'problem' },
  VOLUME_CLAIM_PENDING: { headline: 'a volume claim is not bound', layer: 1, severity: 'problem' },
  SECRET_NOT_SYNCED: { headline: 'a secret is not synchronised', layer: 1, severity: 'problem' },
  OBJECT_GONE: { headline: 'an object of the release was deleted', layer: 0, severity: 'problem' },
  UNSCHEDULABLE: { headline: 'no node can take the pods', layer: 2, severity: 'problem' },
  NODE_GROUP_AT_MAXIMUM: {
    headline: 'no node can take the pods, and the node group is at its maximum',
    layer: 2,
    severity: 'problem',
  },
  IMAGE_NAME_INVALID: { headline: 'the image name is invalid', layer: 3, severity: 'problem' },
  IMAGE_NOT_FOUND: { headline: 'the image does not exist', layer: 3, severity: 'problem' },
  IMAGE_PULL_FAILING: { headline: 'the image cannot be pulled', layer: 3, severity: 'problem' },
  CONTAINER_CONFIG: { headline: 'a container cannot be configured', layer: 3, severity: 'problem' },
  VOLUME_FAILING: { headline: 'a volume cannot be mounted', layer: 3, severity: 'problem' },
  SANDBOX_FAILING: { headline: 'the network of the pods cannot be set up', layer: 3, severity: 'problem' },
  HOOK_FAILED: { headline: 'a hook of the release failed', layer: 3, severity: 'problem' },
  OUT_OF_MEMORY: { headline: 'the pods run out of memory', layer: 4, severity: 'problem' },
  INIT_FAILING: { headline: 'an init container of the pods fails', layer: 4, severity: 'problem' },
  CRASH_LOOP: { headline: 'the pods crash', layer: 4, severity: 'problem' },
  DATABASE_FAILING: { headline: 'the pods cannot use their database', layer: 4, severity: 'problem' },
  RESTARTING: { headline: 'containers restart again and again', layer: 4, severity: 'problem' },
  EVICTED: { headline: 'pods were evicted', layer: 4, severity: 'problem' },
  STUCK_TERMINATING: { headline: 'a pod does not end', layer: 5, severity: 'problem' },
  NOT_READY: { headline: 'the pods never become ready', layer: 5, severity: 'problem' },
  ROLLOUT_STALLED: { headline: 'a roll-out makes no progress', layer: 6, severity: 'problem' },
  ROLLOUT_PAUSED: { headline: 'a roll-out is paused', layer: 6, severity: 'warning' },
  DEPLOYMENT_GONE: { headline: 'its Deployment is gone', layer: 6, severity: 'problem' },
  SCALED_TO_ZERO: { headline: 'no pods are wanted', layer: 6, severity: 'problem' },
  METRICS_MISSING: { headline: 'the metrics API does not answer', layer: 6, severity: 'problem' },
  AUTOSCALER_FAILING: { headline: 'an autoscaler cannot work', layer: 7, severity: 'problem' },
  AUTOSCALER_AT_MAXIMUM: { headline: 'an autoscaler is at its maximum', layer: 7, severity: 'warning' },
  SERVICE_GONE: { headline: 'its Service is gone', layer: 7, severity: 'problem' },
  SELECTOR_MISMATCH: { headline: 'a Service selects no pods', layer: 7, severity: 'problem' },
  PORT_MISMATCH: {
    headline: 'a Service names a port that its pods do not have',
    layer: 7,
    severity: 'problem',
  },
  PORT_UNDECLARED: {
    headline: 'a Service leads to a port that its pods do not declare',
    layer: 7,
    severity: 'warning',
  },
  TRAFFIC_DENIED: {
    headline: 'a NetworkPolicy lets nothing through to the pods',
    layer: 7,
    severity: 'problem',
  },
  NO_ENDPOINTS: { headline: 'a Service has no ready endpoint', layer: 8, severity: 'problem' },
  INGRESS_BACKEND: { headline: 'an Ingress leads to nothing', layer: 8, severity: 'problem' },
  INGRESS_NO_ADDRESS: { headline: 'an Ingress has no address', layer: 8, severity: 'problem' },
  INGRESS_FAILING: { headline: 'the load balancer cannot be set up', layer: 8, severity: 'problem' },
  DISRUPTION_BLOCKED: { headline: 'no pod may be moved', layer: 9, severity: 'warning' },
  QUOTA_NEARLY_USED: { headline: 'a quota is nearly used up', layer: 9, severity: 'warning' },
  MEMORY_NEARLY_USED: { headline: 'a container is close to its memory limit', layer: 9, severity: 'warning' },
  CPU_NEARLY_USED: { headline: 'a container is close to its CPU limit', layer: 9, severity: 'warning' },
  EPHEMERAL_FAILING: { headline: 'a debug container cannot be started', layer: 9, severity: 'warning' },
  NODE_BUSY: { headline: 'a node is busy', layer: 9, severity: 'warning' },
  OPERATION_UNFINISHED: {
    headline: 'an operation was interrupted or killed, and is not resolved',
    layer: 9,
    severity: 'problem',
  },
  RECORD_DAMAGED: { headline: 'the record of an operation cannot be read', layer: 9, severity: 'warning' },
  VERSION_UNEXPLAINED: {
    headline: 'a service runs a version that no record explains',
    layer: 9,
    severity: 'warning',
  },
  ALARM: { headline: 'an alarm of CloudWatch is not OK', layer: 9, severity: 'problem' },
} as const satisfies Record<string, CatalogueEntry>

interface CatalogueEntry {
  headline: string
  layer: number
  severity: Severity
}

/** `problem`: the environment is not healthy. `warning`: it soon may not be. */
type Severity = 'problem' | 'warning'

export type FindingCode = keyof typeof CATALOGUE

/** One thing that is wrong, in Kubernetes' own words, with what to do about it. */
export interface Finding {
  code: FindingCode
  object: { kind: string; name: string; uid: string }
  /** The service that suffers; undefined for what belongs to all of them. */
  service?: string
  container?: string
  node?: string
  /** uid of what made the pod, for example of a hook's Job. */
  owner?: string
  /** Kubernetes' reason, for example `CrashLoopBackOff`. */
  reason: string
  message: string
  /** Where the reason was read. */
  field?: string
  /** Since when, or when it was last seen; epoch milliseconds. */
  at?: number
  exitCode?: number
  restarts?: number
  /** Name of the Secret that is not made. */
  secret?: string
  /** What its log says of the database. */
  database?: DatabaseCause
  advice: string
  /** In place of the catalogue's: a pod that was evicted is no more than a note once the service has all its pods. */
  severity?: Severity
}

/** Whether the environment is unhealthy for it. */
export function severityOf({ code, severity }: Pick<Finding, 'code' | 'severity'>): Severity {
  return severity ?? CATALOGUE[code].severity
}
