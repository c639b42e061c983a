import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import { age, type Cell, columns, orNone, type Printer } from './printer.ts'

/** printPod: STATUS is the phase, overridden by what the containers wait for or ended with. */
export const podPrinter: Printer<Pod> = {
  columns: columns(
    'Name',
    'Ready',
    'Status',
    'Restarts',
    'Age',
    '+IP',
    '+Node',
    '+Nominated Node',
    '+Readiness Gates',
  ),
  cells: (pod): Cell[] => {
    const { metadata, spec, status } = pod
    const statuses = status?.containerStatuses ?? []
    const ready = statuses.filter((container) => container.ready && container.state?.running).length
    return [
      metadata?.name ?? '',
      `${ready}/${spec?.containers.length ?? 0}`,
      statusText(pod),
      restartsText(initStatus(pod) === undefined ? statuses : (status?.initContainerStatuses ?? [])),
      age(metadata?.creationTimestamp),
      orNone(status?.podIP),
      orNone(spec?.nodeName),
      orNone(status?.nominatedNodeName),
      '<none>',
    ]
  },
}

function statusText(pod: Pod): string {
  const { metadata, status } = pod
  if (metadata?.deletionTimestamp) return 'Terminating'
  return initStatus(pod) ?? containerStatus(status?.containerStatuses ?? []) ?? phaseText(pod)
}

function phaseText({ status }: Pod): string {
  const gated = status?.conditions?.find(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  )
  return status?.reason ?? gated?.reason ?? status?.phase ?? 'Unknown'
}

/** While init containers are not done: what the first unfinished one does. */
function initStatus({ spec, status }: Pod): string | undefined {
  const total = spec?.initContainers?.length ?? 0
  for (const [index, { state, started }] of (status?.initContainerStatuses ?? []).entries()) {
    const { terminated, waiting } = state ?? {}
    if (terminated?.exitCode === 0) continue
    const sidecar = spec?.initContainers?.[index]?.restartPolicy === 'Always'
    if (sidecar && started) continue
    if (terminated) return `Init:${endText(terminated)}`
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`
    return `Init:${index}/${total}`
  }
  return undefined
}

function endText(ended: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>): string {
  if (ended.reason) return ended.reason
  return ended.signal ? `Signal:${ended.signal}` : `ExitCode:${ended.exitCode}`
}

function containerStatus(statuses: ContainerStatus[]): string | undefined {
  let text: string | undefined
  let isRunning = false
  for (const { state, ready } of statuses.toReversed()) {
    if (state?.waiting?.reason) text = state.waiting.reason
    else if (state?.terminated) text = endText(state.terminated)
    else if (ready && state?.running) isRunning = true
  }
  // A finished container beside a running one does not make the pod completed.
  if (text === 'Completed' && isRunning) return 'Running'
  return text
}

function restartsText(statuses: ContainerStatus[]): string {
  const count = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0)
  const ends = statuses.flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? [])
  const last = ends.sort().at(-1)
  return count > 0 && last ? `${count} (${age(last)} ago)` : String(count)
}
