import { createHash } from 'node:crypto'
import type { Container, ContainerStatus } from 'kubernetes-types/core/v1.js'
import { timestamp } from '../json.ts'
import { endingOf, type Fault, faultOf, pullError } from './faults.ts'
import { missingConfig } from './missing.ts'
import type { PodStep } from './pod-step.ts'

/** What the kubelet remembers of a container more finely than its status says; lost when the sandbox restarts. */
export interface ContainerMemory {
  /** Moments in milliseconds since the epoch. */
  pullStarted?: number
  pullFailed?: number
  startedAt?: number
  finishedAt?: number
  configFailed?: number
  probedAt?: number
  /** When the back-off was last told; the kubelet repeats it at each of its rounds. */
  backOffTold?: number
  pullFailures: number
}

/** Seconds of cluster time. From the kubelet's defaults: crash and pull back-off 10 s doubling to 5 min. */
const FIRST_BACKOFF = 10
const LAST_BACKOFF = 300
/** How long a failed state is shown before the back-off is, and how often failed set-up is tried again. */
const SHOWN = 1
const CONFIG_RETRY = 5
const SLOW_FACTOR = 10
const ROUND = 15

function backOff(failures: number): number {
  return Math.min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** (failures - 1))
}

/** One container's way from nothing to ready and, where it ends, back; as far as it has come by now. */
export class ContainerStep {
  readonly #pod: PodStep
  readonly #container: Container
  readonly #isInit: boolean
  readonly #fault: Fault | undefined
  readonly #memory: ContainerMemory
  #status: ContainerStatus

  constructor(pod: PodStep, container: Container, isInit: boolean, status: ContainerStatus) {
    this.#pod = pod
    this.#container = container
    this.#isInit = isInit
    this.#fault = faultOf(pod.pod, container)
    this.#memory = pod.memoryOf(container.name)
    this.#status = status
    this.#recall()
  }

  /** After a restart of the sandbox the status is all that is known. */
  #recall(): void {
    const { running, terminated } = this.#status.state ?? {}
    if (running?.startedAt) this.#memory.startedAt ??= Date.parse(running.startedAt)
    const ended = terminated ?? this.#status.lastState?.terminated
    if (ended?.finishedAt) this.#memory.finishedAt ??= Date.parse(ended.finishedAt)
  }

  advance(): ContainerStatus {
    const { state } = this.#status
    if (state?.running) this.#run()
    else if (state?.terminated) this.#restart()
    else if (state?.waiting?.reason === 'CrashLoopBackOff') this.#awaitRestart()
    else this.#start()
    return this.#status
  }

  #set(status: Partial<ContainerStatus>): void {
    this.#status = { ...this.#status, ...status }
  }

  #wait(reason: string, message?: string): void {
    const waiting = message === undefined ? { reason } : { reason, message }
    this.#set({ state: { waiting }, ready: false, started: false })
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const list = this.#isInit ? 'initContainers' : 'containers'
    this.#pod.event({ type, reason, message, fieldPath: `spec.${list}{${this.#container.name}}` })
  }

  #start(): void {
    if (!this.#pull()) return
    const missing = missingConfig(this.#pod, this.#container, this.#fault)
    if (missing) {
      this.#failConfig(missing)
      return
    }
    const { name } = this.#container
    this.#event('Normal', 'Created', `Created container ${name}`)
    this.#event('Normal', 'Started', `Started container ${name}`)
    this.#memory.startedAt = this.#pod.now
    this.#memory.probedAt = this.#pod.now
    this.#set({
      state: { running: { startedAt: timestamp(this.#pod.now) } },
      started: !this.#container.startupProbe,
      ready: false,
      imageID: `${this.#imageName()}@sha256:${digest(this.#container.image ?? '')}`,
      containerID: `containerd://${digest(`${this.#pod.uid}${name}${this.#status.restartCount}`)}`,
    })
    this.#run()
  }

  #imageName(): string {
    return (this.#container.image ?? '').replace(/(:[^:/@]+)?(@.*)?$/, '')
  }

  /** @returns whether the image is there */
  #pull(): boolean {
    const { image = '', imagePullPolicy } = this.#container
    const memory = this.#memory
    if (memory.pullStarted === undefined && memory.pullFailed === undefined) {
      if (imagePullPolicy !== 'Always' && this.#pod.hasImage(image)) {
        this.#event('Normal', 'Pulled', `Container image "${image}" already present on machine`)
        return true
      }
      this.#startPull()
    }
    if (memory.pullStarted !== undefined) return this.#finishPull(memory.pullStarted)
    const failed = memory.pullFailed ?? 0
    const nextPull = backOff(memory.pullFailures)
    if (this.#pod.since(failed) >= nextPull) {
      this.#startPull()
      return this.#finishPull(this.#pod.now)
    }
    if (this.#pod.since(failed) >= SHOWN) {
      this.#wait('ImagePullBackOff', `Back-off pulling image "${image}"`)
      this.#tellBackOff(failed + SHOWN, () => {
        this.#event('Normal', 'BackOff', `Back-off pulling image "${image}"`)
        this.#event('Warning', 'Failed', 'Error: ImagePullBackOff')
      })
    }
    this.#pod.wakeAt(failed, this.#pod.since(failed) < SHOWN ? SHOWN : nextPull)
    return false
  }

  /** @param since the start of this back-off */
  #tellBackOff(since: number, tell: () => void): void {
    const told = this.#memory.backOffTold
    if (told === undefined || told < since || this.#pod.since(told) >= ROUND) {
      tell()
      this.#memory.backOffTold = this.#pod.now
    }
    this.#pod.wakeAt(this.#memory.backOffTold ?? this.#pod.now, ROUND)
  }

  #startPull(): void {
    this.#event('Normal', 'Pulling', `Pulling image "${this.#container.image}"`)
    this.#memory.pullStarted = this.#pod.now
    delete this.#memory.pullFailed
  }

  #finishPull(started: number): boolean {
    const { image = '' } = this.#container
    const seconds = this.#pod.settings.imagePullSeconds
    if (this.#pod.since(started) < seconds) {
      this.#pod.wakeAt(started, seconds)
      return false
    }
    delete this.#memory.pullStarted
    if (this.#fault === 'notfound' || this.#fault === 'throttled') {
      const error = pullError(image, this.#fault)
      this.#event('Warning', 'Failed', `Failed to pull image "${image}": ${error}`)
      this.#event('Warning', 'Failed', 'Error: ErrImagePull')
      this.#wait('ErrImagePull', error)
      this.#memory.pullFailed = this.#pod.now
      this.#memory.pullFailures += 1
      this.#pod.wakeAt(this.#pod.now, SHOWN)
      return false
    }
    const took = seconds < 1 ? `${Math.round(seconds * 1000)}ms` : `${seconds}s`
    const size = 40_000_000 + (Number.parseInt(digest(image).slice(0, 6), 16) % 90_000_000)
    this.#event(
      'Normal',
      'Pulled',
      `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${size} bytes.`,
    )
    this.#pod.addImage(image)
    return true
  }

  #failConfig(message: string): void {
    const failed = this.#memory.configFailed
    if (failed === undefined || this.#pod.since(failed) >= CONFIG_RETRY) {
      this.#event('Warning', 'Failed', `Error: ${message}`)
      this.#memory.configFailed = this.#pod.now
    }
    this.#wait('CreateContainerConfigError', message)
    this.#pod.wakeAt(this.#memory.configFailed ?? this.#pod.now, CONFIG_RETRY)
  }

  #run(): void {
    const started = this.#memory.startedAt ?? this.#pod.now
    const ending = endingOf(this.#pod.pod, this.#container, this.#isInit && !this.#isSidecar())
    if (ending && this.#pod.since(started) >= ending.afterSeconds) {
      this.#end(started, ending.exitCode, ending.reason)
      return
    }
    if (ending) this.#pod.wakeAt(started, ending.afterSeconds)
    this.#probe(started, ending !== undefined)
  }

  #isSidecar(): boolean {
    return this.#container.restartPolicy === 'Always'
  }

  /**
   * Without probes a running container is ready; with them after the set time, unless a fault keeps it from it.
   * @param isDoomed a process that ends by itself answers no probe before
   */
  #probe(started: number, isDoomed: boolean): void {
    const { readinessProbe, startupProbe } = this.#container
    if (this.#status.ready) return
    const usual = this.#pod.settings.readinessSeconds
    const isHeld = this.#fault === 'unready'
    const seconds = this.#fault === 'slow' ? usual * SLOW_FACTOR + SLOW_FACTOR : usual
    const hasProbes = readinessProbe !== undefined || startupProbe !== undefined
    const isUp = (!hasProbes && this.#fault !== 'slow') || this.#pod.since(started) >= seconds
    if (isUp && !this.#status.started) this.#set({ started: true })
    if (isUp && !isHeld && !(isDoomed && hasProbes)) {
      this.#set({ ready: true })
      return
    }
    if (!isUp) this.#pod.wakeAt(started, seconds)
    if (isHeld || this.#fault === 'slow') this.#failProbe(isHeld && isUp)
  }

  #failProbe(isServing: boolean): void {
    const { readinessProbe, startupProbe } = this.#container
    const isStartup = !this.#status.started && startupProbe !== undefined
    const probe = isStartup ? startupProbe : readinessProbe
    const period = probe?.periodSeconds ?? 10
    const probed = this.#memory.probedAt ?? this.#pod.now
    if (this.#pod.since(probed) >= period) {
      const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port ?? 8080
      const path = probe?.httpGet?.path ?? '/'
      const url = `http://${this.#pod.address}:${this.#pod.portNumber(this.#container, port)}${path}`
      const address = url.slice('http://'.length, url.length - path.length)
      const cause = isServing
        ? 'HTTP probe failed with statuscode: 503'
        : `Get "${url}": dial tcp ${address}: connect: connection refused`
      this.#event('Warning', 'Unhealthy', `${isStartup ? 'Startup' : 'Readiness'} probe failed: ${cause}`)
      this.#memory.probedAt = this.#pod.now
    }
    this.#pod.wakeAt(this.#memory.probedAt ?? this.#pod.now, period)
  }

  #end(started: number, exitCode: number, reason: string): void {
    this.#memory.finishedAt = this.#pod.now
    this.#set({
      state: {
        terminated: {
          exitCode,
          reason,
          startedAt: timestamp(started),
          finishedAt: timestamp(this.#pod.now),
          containerID: this.#status.containerID,
        },
      },
      ready: this.#isInit && exitCode === 0,
      started: false,
    })
    this.#restart()
  }

  /** After an end: the first restart comes at once, the next ones after a growing pause. */
  #restart(): void {
    const ended = this.#status.state?.terminated
    if (!ended || !this.#isRestarted(ended.exitCode)) return
    const finished = this.#memory.finishedAt ?? this.#pod.now
    if (this.#pod.since(finished) < SHOWN) {
      this.#pod.wakeAt(finished, SHOWN)
      return
    }
    if (this.#status.restartCount === 0) {
      this.#begin(ended)
      return
    }
    this.#set({ lastState: { terminated: ended } })
    this.#awaitRestart()
  }

  #isRestarted(exitCode: number): boolean {
    const policy = this.#pod.pod.spec?.restartPolicy
    if (this.#isSidecar()) return true
    if (exitCode === 0) return policy === 'Always' && !this.#isInit
    return policy !== 'Never'
  }

  #awaitRestart(): void {
    const finished = this.#memory.finishedAt ?? this.#pod.now
    const seconds = backOff(this.#status.restartCount)
    if (this.#pod.since(finished) >= seconds) {
      this.#begin(this.#status.lastState?.terminated)
      return
    }
    const { name } = this.#container
    const where = `${this.#pod.name}_${this.#pod.namespace}(${this.#pod.uid})`
    this.#wait(
      'CrashLoopBackOff',
      `back-off ${durationText(seconds)} restarting failed container=${name} pod=${where}`,
    )
    this.#tellBackOff(finished, () =>
      this.#event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${where}`),
    )
    this.#pod.wakeAt(finished, seconds)
  }

  #begin(ended: NonNullable<ContainerStatus['state']>['terminated']): void {
    this.#set({
      restartCount: this.#status.restartCount + 1,
      lastState: ended ? { terminated: ended } : {},
    })
    this.#start()
  }
}

/** Go's time.Duration: 10s, 1m20s, 5m0s. */
function durationText(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** A container that has not been looked at yet. */
export function initialStatus(container: Container, reason: string): ContainerStatus {
  return {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    started: false,
    restartCount: 0,
    state: { waiting: { reason } },
    lastState: {},
  }
}
