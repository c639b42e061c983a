/**
 * What emr keeps of a Kubernetes object: just enough to judge and to show it. All times are milliseconds since the
 * epoch.
 */
export interface Terminated {
  reason: string
  exitCode: number
  message: string
  startedAt: number
  finishedAt: number
}

export interface ContainerFacts {
  name: string
  init: boolean
  /** An init container that goes on running beside the program. */
  sidecar?: true
  image: string
  ready: boolean
  restarts: number
  waiting?: { reason: string; message: string }
  running: boolean
  terminated?: Terminated
  /** How its previous run ended. */
  last?: Terminated
}

export interface PodFacts {
  uid: string
  name: string
  /** uid of the ReplicaSet or Job that made it. */
  owner: string | undefined
  /** Of the release that it belongs to, by its labels. */
  service?: string
  createdAt: number
  node: string | undefined
  phase: string
  ready: boolean
  /** When the condition Ready last changed. */
  readyChangedAt?: number
  deleting: boolean
  /** The moment by which it should be gone. */
  deleteBy?: number
  /** Why the whole pod failed, for example Evicted. */
  failure?: { reason: string; message: string }
  /** From the condition PodScheduled, when it is False. */
  unscheduled?: { reason: string; message: string }
  containers: ContainerFacts[]
  /** Name of the container that is the service itself. */
  main?: string
  /** Put into it by `kubectl debug`; they are never started again, and the pod does not depend on them. */
  ephemeral?: ContainerFacts[]
}

/** Pods that run or are going to: not those that were evicted, have completed, or are being deleted. */
export function livePods(pods: Iterable<PodFacts>): PodFacts[] {
  return [...pods].filter(isLive)
}

export function isLive({ phase, deleting }: Pick<PodFacts, 'phase' | 'deleting'>): boolean {
  return !deleting && phase !== 'Failed' && phase !== 'Succeeded'
}

/** The ReplicaSet that runs the Deployment's current pod template, also before its controller has numbered it; the oldest of several. */
export function newestReplicaSet(
  { uid, template, revision }: Pick<DeploymentFacts, 'uid' | 'template' | 'revision'>,
  replicaSets: Iterable<ReplicaSetFacts>,
): ReplicaSetFacts | undefined {
  return [...replicaSets]
    .filter((set) => set.owner === uid)
    .filter((set) => (template === undefined ? set.revision === revision : set.template === template))
    .sort((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0))[0]
}

export interface ReplicaSetFacts {
  uid: string
  name: string
  owner: string | undefined
  revision: string | undefined
  /** From the condition ReplicaFailure: pods that the API server refused to create. */
  failure?: { reason: string; message: string; since?: number }
  createdAt?: number
  /** Digest of its pod template. */
  template?: string
  /** Tag of the image of the service's own container. */
  version?: string
}

export interface DeploymentFacts {
  uid: string
  name: string
  generation: number
  observedGeneration: number
  revision: string | undefined
  /** Of the release that it belongs to, by its labels. */
  service?: string
  /** Tag of the image of the service's own container. */
  version?: string
  createdAt?: number
  /** Digest of its pod template, which the ReplicaSet of its newest revision has as well. */
  template?: string
  paused: boolean
  /** Seconds that a pod must be ready until it counts as available. */
  minReadySeconds?: number
  /** Seconds without progress after which Kubernetes calls the rollout failed. */
  progressDeadline?: number
  desired: number
  updated: number
  available: number
  /** Of all revisions. */
  total: number
  /** Its newest revision was complete once: the condition Progressing keeps the reason NewReplicaSetAvailable. */
  wasComplete: boolean
  /** The message of the condition Progressing once its reason is ProgressDeadlineExceeded. */
  deadlineExceeded?: string
  /** When that condition was last updated. */
  deadlineExceededAt?: number
}

export interface JobFacts {
  uid: string
  name: string
  succeeded: boolean
  failedPods: number
  /** From the condition Failed. */
  failure?: { reason: string; message: string }
}

export interface EventFacts {
  uid: string
  /** uid of the object that it is about: names are used again, uids are not. */
  about: string
  /** Of the pod that it is about. */
  container?: string
  kind: string
  name: string
  type: string
  reason: string
  message: string
  at: number
  count: number
}
