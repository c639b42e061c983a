import type { Container, Pod } from 'kubernetes-types/core/v1.js'

/**
 * What can be wrong with a container. Chosen by the pod template's annotation `sandbox.emr/fault` (all containers that
 * are no init containers) or by the end of an image tag (`v2-crashloop`: that container, init containers too).
 *
 * | fault           | what happens                                                       | what the pod shows         |
 * | --------------- | ------------------------------------------------------------------ | -------------------------- |
 * | `notfound`      | the registry has no such image                                     | ErrImagePull, ImagePullBackOff |
 * | `throttled`     | the registry answers 429 Too Many Requests                         | ErrImagePull, ImagePullBackOff |
 * | `badconfig`     | a Secret that the container needs is missing                       | CreateContainerConfigError |
 * | `crashloop`     | the process ends with code 1 after 2 s, each time                  | Error, CrashLoopBackOff    |
 * | `fail`          | the same at once; for Jobs and hooks, whose pods are not restarted | Error                      |
 * | `oom`           | the kernel kills the process at its memory limit                   | OOMKilled (137)            |
 * | `unready`       | runs for ever, but its readiness probe answers 503                 | Running, not ready         |
 * | `slow`          | ready after ten times the usual time                               | Running, then ready        |
 * | `unschedulable` | asks for more CPU than any node has                                | Pending, FailedScheduling  |
 */
const FAULTS = [
  'notfound',
  'throttled',
  'badconfig',
  'crashloop',
  'fail',
  'oom',
  'unready',
  'slow',
  'unschedulable',
] as const

export type Fault = (typeof FAULTS)[number]

const ANNOTATION = 'sandbox.emr/fault'

/** The fault of a container, or undefined for a healthy one. */
export function faultOf(pod: Pod, container: Container): Fault | undefined {
  const tag = /:([^:/@]+)(?:@[^@]+)?$/.exec(container.image ?? '')?.[1] ?? ''
  const byTag = FAULTS.find((fault) => tag === fault || tag.endsWith(`-${fault}`))
  if (byTag) return byTag
  const isMain = pod.spec?.containers.some(({ name }) => name === container.name)
  const annotation = pod.metadata?.annotations?.[ANNOTATION]
  return isMain ? FAULTS.find((fault) => fault === annotation) : undefined
}

/** Whether any container keeps the pod from being scheduled. */
export function isUnschedulable(pod: Pod): boolean {
  return (pod.spec?.containers ?? []).some((container) => faultOf(pod, container) === 'unschedulable')
}

/** How a container's process ends by itself; undefined for one that runs until it is stopped. */
export interface Ending {
  /** Seconds of cluster time after the start. */
  afterSeconds: number
  exitCode: number
  reason: 'Completed' | 'Error' | 'OOMKilled'
}

const FAULTY_ENDINGS: Partial<Record<Fault, Ending>> = {
  crashloop: { afterSeconds: 2, exitCode: 1, reason: 'Error' },
  fail: { afterSeconds: 1, exitCode: 1, reason: 'Error' },
  oom: { afterSeconds: 3, exitCode: 137, reason: 'OOMKilled' },
}
const DONE: Ending = { afterSeconds: 1, exitCode: 0, reason: 'Completed' }

/** @param isInit init containers are done after a second, and so are those of pods that are not restarted always */
export function endingOf(pod: Pod, container: Container, isInit: boolean): Ending | undefined {
  const fault = faultOf(pod, container)
  const faulty = fault && FAULTY_ENDINGS[fault]
  if (faulty) return faulty
  if (fault === 'unready') return undefined
  return isInit || pod.spec?.restartPolicy !== 'Always' ? DONE : undefined
}

/** What containerd and the kubelet say when an image cannot be pulled; from clusters with ECR. */
export function pullError(image: string, fault: 'notfound' | 'throttled'): string {
  const reference = image.includes('/') ? image : `docker.io/library/${image}`
  if (fault === 'notfound') {
    return `rpc error: code = NotFound desc = failed to pull and unpack image "${reference}": failed to resolve reference "${reference}": ${reference}: not found`
  }
  const [registry] = reference.split('/')
  const path = reference.slice(reference.indexOf('/') + 1).split(':')[0]
  return `rpc error: code = Unknown desc = failed to pull and unpack image "${reference}": failed to copy: httpReadSeeker: failed open: unexpected status code https://${registry}/v2/${path}/manifests/${reference.split(':').at(-1)}: 429 Too Many Requests - Server message: toomanyrequests: Rate exceeded`
}
