import type {
  AutoscalerFacts,
  EndpointFacts,
  IngressFacts,
  NodeFacts,
  RecordFacts,
  ServiceFacts,
  Usage,
  WorkloadFacts,
} from '../diagnosis/facts.ts'
import type { RolloutThresholds } from '../environment.ts'
import type { EventFacts, PodFacts, ReplicaSetFacts } from '../rollout/facts.ts'

/** Where a part of the picture comes from, and how old it is. */
export interface Source {
  name: string
  /** `paused`: stale until somebody logs in. */
  state: 'loading' | 'ok' | 'stale' | 'paused' | 'denied'
  /** Epoch milliseconds of the last news; 0 for none. */
  at: number
  error?: string
}

/** What is asked of AWS, each by itself. */
export const CLOUD_SOURCES = ['RDS', 'CloudWatch alarms', 'CloudWatch metrics'] as const
export type CloudSource = (typeof CLOUD_SOURCES)[number]

/** One figure of CloudWatch, the newest value last. */
export interface Figure {
  name: string
  /** Full name of the alarm that watches it. */
  alarm: string
  unit: string
  values: number[]
  threshold?: number
  /** Of its alarm; `PARTIAL` or `FORBIDDEN` where that is OK and not all values could be read. */
  state: string
}

/** Everything that is known at one moment; a part that is not known is undefined. An Iterable can be walked once. */
export interface Sight {
  deployments?: WorkloadFacts[]
  replicaSets?: ReplicaSetFacts[]
  /** helm's newest revision of each release, by its name. */
  revisions?: Map<string, string>
  pods?: Iterable<PodFacts>
  warnings?: Iterable<EventFacts>
  autoscalers?: Iterable<AutoscalerFacts>
  nodes?: Iterable<NodeFacts>
  services?: ServiceFacts[]
  endpoints?: EndpointFacts[]
  ingresses?: IngressFacts[]
  /** Also those that are no warnings. */
  ingressEvents?: EventFacts[]
  podUsage?: Map<string, Map<string, Usage>>
  nodeUsage?: Map<string, Usage>
  records?: RecordFacts
  databases?: { id: string; status: string }[]
  alarms?: { name: string; state: string; reason: string }[]
  figures?: Figure[]
  sources: Source[]
  /** When the API server's storage last answered, epoch milliseconds; 0 for never. */
  lastContact: number
}

export interface Setting {
  environment: string
  namespace: string
  /** Names of the services that it should have. */
  services: string[]
  rollout: RolloutThresholds
}
