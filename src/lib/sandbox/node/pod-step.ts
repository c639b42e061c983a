import type { Container, ContainerStatus, Pod, PodCondition } from 'kubernetes-types/core/v1.js'
import type { EventDraft } from '../controllers/event-recorder.ts'
import { timestamp } from '../json.ts'
import type { SandboxSettings } from '../settings.ts'
import { type ContainerMemory, ContainerStep, initialStatus } from './container.ts'
import { missingVolume } from './missing.ts'

/** What the kubelet knows beside the pod itself. */
export interface NodeView {
  settings: SandboxSettings
  /** Milliseconds since the epoch. */
  now: number
  hostAddress: string
  /** Gives the pod its address; always the same one for the same pod. */
  podAddress: () => string
  hasImage: (image: string) => boolean
  addImage: (image: string) => void
  /** Whether a Secret or ConfigMap of the pod's namespace holds a key, or exists at all without one. */
  holds: (kind: 'Secret' | 'ConfigMap', name: string, key?: string) => boolean
  memory: Map<string, ContainerMemory>
}

export interface PodAdvance {
  status: NonNullable<Pod['status']>
  events: EventDraft[]
  /** Milliseconds since the epoch at which the pod is to be looked at again. */
  wakeAt: number | undefined
}

/** How often a volume that cannot be mounted is tried again, in seconds of cluster time. */
const MOUNT_RETRY = 4
/** How long a pod's sandbox takes: until then it has no address, and its containers wait. */
const SANDBOX = 0.5

/** One look of the kubelet at one of its pods: a pure step from what is to what is next. */
export class PodStep {
  readonly pod: Pod
  readonly settings: SandboxSettings
  readonly now: number
  readonly speed: number
  readonly #view: NodeView
  readonly #events: EventDraft[] = []
  #wakeAt: number | undefined
  #address = ''

  constructor(pod: Pod, view: NodeView) {
    this.pod = pod
    this.settings = view.settings
    this.now = view.now
    this.speed = view.settings.speed
    this.#view = view
  }

  get uid(): string {
    return this.pod.metadata?.uid ?? ''
  }

  get name(): string {
    return this.pod.metadata?.name ?? ''
  }

  get namespace(): string {
    return this.pod.metadata?.namespace ?? ''
  }

  get address(): string {
    return this.#address
  }

  hasImage(image: string): boolean {
    return this.#view.hasImage(image)
  }

  holds(kind: 'Secret' | 'ConfigMap', name: string, key?: string): boolean {
    return this.#view.holds(kind, name, key)
  }

  addImage(image: string): void {
    this.#view.addImage(image)
  }

  event(draft: EventDraft): void {
    this.#events.push(draft)
  }

  /** Seconds of cluster time since a moment in milliseconds. */
  since(milliseconds: number): number {
    return ((this.now - milliseconds) * this.speed) / 1000
  }

  /** Asks to be looked at again so many seconds of cluster time after a moment. */
  wakeAt(from: number, seconds: number): void {
    const at = Math.ceil(from + (seconds * 1000) / this.speed)
    this.#wakeAt = Math.min(this.#wakeAt ?? Infinity, Math.max(at, this.now + 1))
  }

  memoryOf(container: string): ContainerMemory {
    const known = this.#view.memory.get(container)
    if (known) return known
    const made: ContainerMemory = { pullFailures: 0 }
    this.#view.memory.set(container, made)
    return made
  }

  portNumber(container: Container, port: number | string): number | string {
    return container.ports?.find(({ name }) => name === port)?.containerPort ?? port
  }

  advance(): PodAdvance {
    const before = this.pod.status ?? {}
    const inits = this.pod.spec?.initContainers ?? []
    const mains = this.pod.spec?.containers ?? []
    const startTime = before.startTime ?? timestamp(this.now)
    const known = (list: ContainerStatus[] | undefined, container: Container) =>
      list?.find(({ name }) => name === container.name) ??
      initialStatus(container, inits.length > 0 ? 'PodInitializing' : 'ContainerCreating')
    let initStatuses = inits.map((container) => known(before.initContainerStatuses, container))
    let statuses = mains.map((container) => known(before.containerStatuses, container))
    const isMounted = before.podIP !== undefined || (this.#mount() && this.#makeSandbox())
    this.#address = isMounted ? (before.podIP ?? this.#view.podAddress()) : ''
    let initialized = false
    if (isMounted) {
      initStatuses = this.#advanceInits(inits, initStatuses)
      initialized = inits.every((container, index) => isPast(container, initStatuses[index]))
      if (initialized) {
        statuses = mains.map((container, index) =>
          new ContainerStep(this, container, false, statuses[index] ?? known([], container)).advance(),
        )
      }
    }
    const phase = this.#phase(initialized, initStatuses, statuses)
    const status: NonNullable<Pod['status']> = {
      ...before,
      phase,
      startTime,
      hostIP: this.#view.hostAddress,
      hostIPs: [{ ip: this.#view.hostAddress }],
      ...(this.#address ? { podIP: this.#address, podIPs: [{ ip: this.#address }] } : {}),
      conditions: this.#conditions(phase, isMounted, initialized, initStatuses, statuses),
      containerStatuses: statuses,
      ...(inits.length > 0 ? { initContainerStatuses: initStatuses } : {}),
    }
    return { status, events: this.#events, wakeAt: this.#wakeAt }
  }

  /** @returns whether each Secret and ConfigMap that a volume shows is there */
  #mount(): boolean {
    const memory = this.memoryOf('')
    for (const volume of this.pod.spec?.volumes ?? []) {
      const missing = missingVolume(this, volume)
      if (!missing) continue
      if (memory.configFailed === undefined || this.since(memory.configFailed) >= MOUNT_RETRY) {
        const message = `MountVolume.SetUp failed for volume "${volume.name}" : ${missing}`
        this.event({ type: 'Warning', reason: 'FailedMount', message })
        memory.configFailed = this.now
      }
      this.wakeAt(memory.configFailed, MOUNT_RETRY)
      return false
    }
    return true
  }

  #makeSandbox(): boolean {
    const memory = this.memoryOf('')
    memory.startedAt ??= this.now
    if (this.since(memory.startedAt) >= SANDBOX) return true
    this.wakeAt(memory.startedAt, SANDBOX)
    return false
  }

  /** Init containers run one after the other. */
  #advanceInits(containers: Container[], statuses: ContainerStatus[]): ContainerStatus[] {
    const result = [...statuses]
    for (const [index, container] of containers.entries()) {
      const status = result[index]
      if (!status) break
      const next = new ContainerStep(this, container, true, status).advance()
      result[index] = next
      if (!isPast(container, next)) break
    }
    return result
  }

  #phase(initialized: boolean, inits: ContainerStatus[], mains: ContainerStatus[]): string {
    const policy = this.pod.spec?.restartPolicy
    if (policy === 'Never' && inits.some(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0))
      return 'Failed'
    if (!initialized) return 'Pending'
    const isWaiting = ({ state, lastState }: ContainerStatus) => state?.waiting && !lastState?.terminated
    if (mains.some(isWaiting)) return 'Pending'
    const codes = mains.map(({ state }) => state?.terminated?.exitCode)
    if (policy === 'Always' || codes.some((code) => code === undefined)) return 'Running'
    if (codes.every((code) => code === 0)) return 'Succeeded'
    return policy === 'Never' ? 'Failed' : 'Running'
  }

  #conditions(
    phase: string,
    isMounted: boolean,
    initialized: boolean,
    inits: ContainerStatus[],
    mains: ContainerStatus[],
  ): PodCondition[] {
    const isOver = phase === 'Succeeded' || phase === 'Failed'
    const unready = mains.filter(({ ready }) => !ready).map(({ name }) => name)
    const incomplete = inits
      .filter((status, index) => !isPast(this.pod.spec?.initContainers?.[index], status))
      .map(({ name }) => name)
    const readiness: Partial<PodCondition> =
      unready.length === 0 && !isOver
        ? { status: 'True' }
        : phase === 'Succeeded'
          ? { status: 'False', reason: 'PodCompleted' }
          : phase === 'Failed'
            ? { status: 'False', reason: 'PodFailed' }
            : {
                status: 'False',
                reason: 'ContainersNotReady',
                message: `containers with unready status: [${unready.join(' ')}]`,
              }
    const init: Partial<PodCondition> = initialized
      ? { status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) }
      : {
          status: inits.length === 0 ? 'True' : 'False',
          ...(inits.length === 0
            ? {}
            : {
                reason: 'ContainersNotInitialized',
                message: `containers with incomplete status: [${incomplete.join(' ')}]`,
              }),
        }
    return [
      this.#condition('PodReadyToStartContainers', { status: isMounted && !isOver ? 'True' : 'False' }),
      this.#condition('Initialized', init),
      this.#condition('Ready', readiness),
      this.#condition('ContainersReady', readiness),
      this.#condition('PodScheduled', { status: 'True' }),
    ]
  }

  #condition(type: string, draft: Partial<PodCondition>): PodCondition {
    const old = this.pod.status?.conditions?.find((condition) => condition.type === type)
    const since = old?.status === draft.status ? old?.lastTransitionTime : timestamp(this.now)
    return { type, status: 'Unknown', ...draft, lastTransitionTime: since }
  }
}

/** Whether an init container lets the next one start: it is done, or it is a sidecar that has started. */
function isPast(container: Container | undefined, status: ContainerStatus | undefined): boolean {
  if (container?.restartPolicy === 'Always') return status?.started === true
  return status?.state?.terminated?.exitCode === 0
}
