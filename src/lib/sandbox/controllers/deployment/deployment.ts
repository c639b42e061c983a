import type { Deployment, DeploymentCondition, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import { isApiError } from '../../../adapters/kubernetes/api-error.ts'
import { equal, timestamp } from '../../json.ts'
import type { Cluster } from '../cluster.ts'
import { controllerOf } from '../owners.ts'
import { types } from '../types.ts'
import {
  type ConditionDraft,
  calculateStatus,
  conditionOf,
  isComplete,
  PAUSED,
  progress,
  RESUMED,
  replicaFailure,
  withCondition,
} from './conditions.ts'
import {
  creationOf,
  DESIRED,
  draftReplicaSet,
  findNew,
  inherited,
  MAX,
  REVISION,
  revisionOf,
} from './replica-sets.ts'
import {
  newReplicas,
  rollingLimits,
  type Scaling,
  scaleDownOld,
  scaleProportionally,
} from './rolling-update.ts'

const MANAGER = 'kube-controller-manager'
const SOURCE = { component: 'deployment-controller' }

/** Deployment -> ReplicaSets: rolling updates, revisions, conditions; after pkg/controller/deployment. */
export function startDeployments(cluster: Cluster): void {
  const deployments = cluster.collection<Deployment>(types.deployments)
  const replicaSets = cluster.collection<ReplicaSet>(types.replicaSets)
  const queue = cluster.queue(async (uid) => {
    const deployment = deployments.byUid(uid)
    if (!deployment || deployment.metadata?.deletionTimestamp) return undefined
    return new Rollout(cluster, deployment, replicaSets.ownedBy(uid)).sync()
  })
  deployments.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.uid ?? '')
  })
  replicaSets.onChange((replicaSet) => {
    const owner = controllerOf(replicaSet)
    if (owner?.kind === 'Deployment') queue.add(owner.uid)
  })
}

/** One look at one Deployment. */
class Rollout {
  readonly #cluster: Cluster
  readonly #owned: ReplicaSet[]
  #deployment: Deployment

  constructor(cluster: Cluster, deployment: Deployment, owned: ReplicaSet[]) {
    this.#cluster = cluster
    this.#deployment = deployment
    this.#owned = owned.filter(({ metadata }) => !metadata?.deletionTimestamp)
  }

  /** @returns real milliseconds until the progress deadline, while it counts */
  async sync(): Promise<number | undefined> {
    await this.#notePause()
    const { spec } = this.#deployment
    const isPaused = spec?.paused === true
    let current = findNew(this.#deployment, this.#owned)
    const old = this.#owned.filter((replicaSet) => replicaSet !== current)
    const recreatesLater =
      spec?.strategy?.type === 'Recreate' && old.some((each) => (each.status?.replicas ?? 0) > 0)
    if (current) current = await this.#align(current, old)
    else if (!isPaused && !recreatesLater) current = await this.#create(old)
    if (isPaused || this.#isScalingEvent(current, old)) await this.#scale(current, old)
    else if (spec?.strategy?.type === 'Recreate') await this.#recreate(current, old)
    else if (current) await this.#roll(current, old)
    return this.#writeStatus(current, old)
  }

  /** So that a paused roll-out is not taken for a stuck one. */
  async #notePause(): Promise<void> {
    const { spec, status } = this.#deployment
    const old = conditionOf(status, 'Progressing')
    if (spec?.progressDeadlineSeconds === undefined || old?.reason === 'ProgressDeadlineExceeded') return
    const isNoted = old?.reason === PAUSED
    if ((spec.paused ?? false) === isNoted) return
    await this.#setCondition({
      type: 'Progressing',
      status: 'Unknown',
      reason: isNoted ? RESUMED : PAUSED,
      message: isNoted ? 'Deployment is resumed' : 'Deployment is paused',
    })
  }

  async #setCondition(draft: ConditionDraft): Promise<void> {
    const { status } = this.#deployment
    const conditions = withCondition(status?.conditions ?? [], draft)
    await this.#write({ ...status, conditions })
  }

  async #write(status: Deployment['status'], revision?: number): Promise<void> {
    const { metadata } = this.#deployment
    const annotations =
      revision === undefined
        ? metadata?.annotations
        : { ...metadata?.annotations, [REVISION]: String(revision) }
    const isNoted = equal(annotations, metadata?.annotations)
    if (!isNoted || !equal(status, this.#deployment.status)) {
      const next = { ...this.#deployment, metadata: { ...metadata, annotations }, status }
      const options = { subresource: 'status', fieldManager: MANAGER, signal: this.#cluster.signal }
      this.#deployment = await this.#cluster.client.replace<Deployment>(types.deployments, next, options)
      this.#cluster.collection<Deployment>(types.deployments).observe(this.#deployment)
    }
  }

  /** Brings the annotations of an existing new ReplicaSet up to date; an old one that is new again moves up. */
  async #align(current: ReplicaSet, old: ReplicaSet[]): Promise<ReplicaSet> {
    const revision = Math.max(revisionOf(current), Math.max(0, ...old.map(revisionOf)) + 1)
    const annotations = { ...inherited(this.#deployment), [REVISION]: String(revision) }
    const minReadySeconds = this.#deployment.spec?.minReadySeconds ?? 0
    const isSame =
      Object.entries(annotations).every(([key, value]) => current.metadata?.annotations?.[key] === value) &&
      (current.spec?.minReadySeconds ?? 0) === minReadySeconds
    const aligned = isSame
      ? current
      : await this.#cluster.patch<ReplicaSet>(
          types.replicaSets,
          current,
          { metadata: { annotations }, spec: { minReadySeconds } },
          { fieldManager: MANAGER },
        )
    await this.#noteRevision(
      revision,
      'FoundNewReplicaSet',
      `Found new replica set "${current.metadata?.name}"`,
    )
    return aligned
  }

  async #noteRevision(revision: number, reason: string, message: string): Promise<void> {
    const { status, spec } = this.#deployment
    const isFirst = spec?.progressDeadlineSeconds !== undefined && !conditionOf(status, 'Progressing')
    const isNew = reason === 'NewReplicaSetCreated'
    if (!isFirst && !isNew && revisionOf(this.#deployment) === revision) return
    const draft = { type: 'Progressing', status: 'True', reason, message }
    const conditions = isFirst || isNew ? withCondition(status?.conditions ?? [], draft) : status?.conditions
    await this.#write({ ...status, conditions }, revision)
  }

  async #create(old: ReplicaSet[]): Promise<ReplicaSet | undefined> {
    const deployment = this.#deployment
    const revision = Math.max(0, ...old.map(revisionOf)) + 1
    const replicas = newReplicas(deployment, old, 0)
    const maxReplicas = (deployment.spec?.replicas ?? 0) + rollingLimits(deployment).maxSurge
    const draft = draftReplicaSet(deployment, revision, replicas, maxReplicas)
    try {
      const namespace = deployment.metadata?.namespace ?? ''
      const made = await this.#cluster.create(types.replicaSets, draft, namespace, MANAGER)
      this.#owned.push(made)
      if (replicas > 0) this.#announce(`Scaled up replica set ${made.metadata?.name} to ${replicas}`)
      await this.#noteRevision(
        revision,
        'NewReplicaSetCreated',
        `Created new replica set "${made.metadata?.name}"`,
      )
      return made
    } catch (error) {
      if (!isApiError(error, 409)) throw error
      // The name is taken by another template with the same hash: count the collision and try again.
      const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
      await this.#write({ ...deployment.status, collisionCount })
      return undefined
    }
  }

  #announce(message: string): void {
    this.#cluster.events.record(this.#deployment, SOURCE, {
      type: 'Normal',
      reason: 'ScalingReplicaSet',
      message,
    })
  }

  /** Whether the Deployment's own size was changed since its ReplicaSets were last sized. */
  #isScalingEvent(current: ReplicaSet | undefined, old: ReplicaSet[]): boolean {
    const wanted = String(this.#deployment.spec?.replicas ?? 0)
    return [...(current ? [current] : []), ...old]
      .filter(({ spec }) => (spec?.replicas ?? 0) > 0)
      .some(({ metadata }) => (metadata?.annotations?.[DESIRED] ?? wanted) !== wanted)
  }

  async #scale(current: ReplicaSet | undefined, old: ReplicaSet[]): Promise<void> {
    const wanted = this.#deployment.spec?.replicas ?? 0
    const active = [...(current ? [current] : []), ...old].filter(({ spec }) => (spec?.replicas ?? 0) > 0)
    const [only = current] = active
    if (active.length <= 1) {
      if (only) await this.#resize([{ replicaSet: only, replicas: wanted }])
    } else if (this.#deployment.spec?.strategy?.type === 'RollingUpdate') {
      const maxBefore = Number(current?.metadata?.annotations?.[MAX] ?? wanted)
      await this.#resize(scaleProportionally(this.#deployment, active, maxBefore))
    }
  }

  async #recreate(current: ReplicaSet | undefined, old: ReplicaSet[]): Promise<void> {
    const active = old.filter(({ spec }) => (spec?.replicas ?? 0) > 0)
    if (active.length > 0) await this.#resize(active.map((replicaSet) => ({ replicaSet, replicas: 0 })))
    else if (current && old.every(({ status }) => (status?.replicas ?? 0) === 0)) {
      await this.#resize([{ replicaSet: current, replicas: this.#deployment.spec?.replicas ?? 0 }])
    }
  }

  async #roll(current: ReplicaSet, old: ReplicaSet[]): Promise<void> {
    const size = current.spec?.replicas ?? 0
    const wanted = this.#deployment.spec?.replicas ?? 0
    const grown = size > wanted ? wanted : newReplicas(this.#deployment, [current, ...old], size)
    if (grown !== size) await this.#resize([{ replicaSet: current, replicas: grown }])
    else await this.#resize(scaleDownOld(this.#deployment, current, old))
  }

  async #resize(scaling: Scaling): Promise<void> {
    const wanted = this.#deployment.spec?.replicas ?? 0
    const maxReplicas = wanted + rollingLimits(this.#deployment).maxSurge
    const annotations = { [DESIRED]: String(wanted), [MAX]: String(maxReplicas) }
    for (const { replicaSet, replicas } of scaling) {
      const size = replicaSet.spec?.replicas ?? 0
      const isNoted = replicaSet.metadata?.annotations?.[DESIRED] === annotations[DESIRED]
      if (size === replicas && isNoted) continue
      const patch = { metadata: { annotations }, spec: { replicas } }
      const patched = await this.#cluster.patch<ReplicaSet>(types.replicaSets, replicaSet, patch, {
        fieldManager: MANAGER,
      })
      this.#owned[this.#owned.findIndex(({ metadata }) => metadata?.uid === patched.metadata?.uid)] = patched
      if (size === replicas) continue
      const direction = replicas > size ? 'up' : 'down'
      this.#announce(
        `Scaled ${direction} replica set ${replicaSet.metadata?.name} to ${replicas} from ${size}`,
      )
    }
  }

  async #writeStatus(current: ReplicaSet | undefined, old: ReplicaSet[]): Promise<number | undefined> {
    const latest = (replicaSet: ReplicaSet) =>
      this.#owned.find(({ metadata }) => metadata?.uid === replicaSet.metadata?.uid) ?? replicaSet
    const now = current && latest(current)
    const olds = old.map(latest)
    const status = calculateStatus(this.#deployment, now, [...(now ? [now] : []), ...olds])
    const { clock } = this.#cluster
    let conditions: DeploymentCondition[] = status.conditions ?? []
    if (!this.#deployment.spec?.paused) {
      conditions = progress(this.#deployment, status, now, (time) => clock.since(time))
    }
    conditions = replicaFailure(conditions, now, olds)
    await this.#write({ ...status, conditions })
    if (isComplete(this.#deployment, status)) {
      await this.#cleanUp(olds)
      return undefined
    }
    return this.#untilDeadline()
  }

  #untilDeadline(): number | undefined {
    const { spec, status } = this.#deployment
    const condition = conditionOf(status, 'Progressing')
    const deadline = spec?.progressDeadlineSeconds
    if (!condition || deadline === undefined || condition.status !== 'True' || spec?.paused) return undefined
    if (condition.reason === 'NewReplicaSetAvailable') return undefined
    const updated = Date.parse(condition.lastUpdateTime ?? timestamp())
    return this.#cluster.clock.milliseconds(Math.max(0, deadline - this.#cluster.clock.since(updated))) + 1
  }

  /** Old ReplicaSets beyond the history limit go, the oldest first. */
  async #cleanUp(old: ReplicaSet[]): Promise<void> {
    const limit = this.#deployment.spec?.revisionHistoryLimit ?? 10
    const empty = old
      .filter(({ spec, status }) => (spec?.replicas ?? 0) === 0 && (status?.replicas ?? 0) === 0)
      .sort((a, b) => revisionOf(a) - revisionOf(b) || creationOf(a) - creationOf(b))
    for (const replicaSet of empty.slice(0, Math.max(0, empty.length - limit))) {
      await this.#cluster.delete(types.replicaSets, replicaSet, { propagationPolicy: 'Background' })
    }
  }
}
