import { isServing } from '../diagnosis/availability.ts'
import { wholeServices } from '../diagnosis/pods.ts'
import { recordedState } from '../diagnosis/records.ts'
import { SILENT_MS } from '../outage.ts'
import {
  type UnexplainedVersion,
  type Unfinished,
  unexplainedVersions,
  unfinishedOperations,
} from '../release/unfinished.ts'
import { isLive } from '../rollout/facts.ts'
import {
  type NodeRow,
  nodeRows,
  type PodRow,
  podRow,
  type ServiceRow,
  serviceRows,
  type UnreachedRow,
  unreachedRows,
  type WarningRow,
  warningRows,
} from './rows.ts'
import type { Figure, Setting, Sight, Source } from './sight.ts'

export type Health = 'healthy' | 'progressing' | 'unhealthy' | 'unknown'

/** One environment at one moment. */
export interface Picture {
  environment: string
  namespace: string
  /** ISO 8601. */
  at: string
  health: Health
  pods: { total: number; ready: number }
  services: ServiceRow[]
  /** Those that are not well, problems first. */
  troubled: PodRow[]
  nodes: NodeRow[]
  /** Services and Ingresses that lead to no pod, though these are well. */
  unreached: UnreachedRow[]
  /** Operations that were interrupted or killed and that nothing has resolved since, newest first. */
  unfinished: Unfinished[]
  /** Services that run what no record explains. */
  unexplained: UnexplainedVersion[]
  /** Newest first. */
  warnings: WarningRow[]
  databases: { id: string; status: string }[]
  figures: Figure[]
  /** Those that are not OK, have no data, or would tell nobody. */
  alarms: { name: string; state: string; reason: string }[]
  sources: Source[]
  /** When the API server last answered a read that passes through its storage, ISO 8601; absent where it never did. */
  lastContact?: string
}

/** Whole seconds since the last contact, once they are too many for the picture to count. */
export function silentSeconds({ at, lastContact }: Pick<Picture, 'at' | 'lastContact'>): number | undefined {
  const age = Date.parse(at) - Date.parse(lastContact ?? '')
  return age > SILENT_MS ? Math.floor(age / 1000) : undefined
}

/** @param now epoch milliseconds */
export function pictureOf(sight: Sight, setting: Setting, now: number): Picture {
  const warnings = [...(sight.warnings ?? [])]
  const events = Map.groupBy(warnings, ({ about }) => about)
  const pods = [...(sight.pods ?? [])]
  const served = wholeServices(sight.deployments ?? [])
  const live = pods.filter(isLive)
  const troubled = pods.flatMap((pod) =>
    podRow(pod, events.get(pod.uid) ?? [], { rollout: setting.rollout, served, now }),
  )
  const services = serviceRows(sight, live, troubled, setting, now)
  const picture = {
    environment: setting.environment,
    namespace: setting.namespace,
    at: new Date(now).toISOString(),
    pods: { total: live.length, ready: live.filter(({ ready }) => ready).length },
    services,
    troubled: troubled.sort((a, b) => Number(b.problem) - Number(a.problem) || a.pod.localeCompare(b.pod)),
    nodes: nodeRows(sight, pods, now),
    unreached: unreachedRows(sight, services, now),
    ...recordRows(sight, setting),
    warnings: warningRows(warnings, now),
    databases: sight.databases ?? [],
    figures: sight.figures ?? [],
    alarms: sight.alarms ?? [],
    sources: sight.sources,
    ...(sight.lastContact > 0 && { lastContact: new Date(sight.lastContact).toISOString() }),
  }
  return { ...picture, health: healthOf(picture) }
}

function recordRows(
  { records, deployments }: Sight,
  { environment, services }: Setting,
): Pick<Picture, 'unfinished' | 'unexplained'> {
  if (records === undefined || deployments === undefined) return { unfinished: [], unexplained: [] }
  const state = recordedState(environment, services, records, deployments)
  return { unfinished: unfinishedOperations(state), unexplained: unexplainedVersions(state) }
}

/** What only explains: without the right to it the services are no less well, and the picture says that it was not read. */
const EXPLAINING = new Set(['events', 'events of ingresses', 'nodes', 'usage'])

/** What is not known is never healthy. */
function healthOf({
  services,
  troubled,
  nodes,
  unreached,
  unfinished,
  databases,
  alarms,
  sources,
  at,
  lastContact,
}: Omit<Picture, 'health'>): Health {
  if (lastContact === undefined || silentSeconds({ at, lastContact }) !== undefined) return 'unknown'
  const bad =
    services.some(({ state }) => state !== 'ready' && state !== 'rolling out') ||
    troubled.some(({ problem }) => problem) ||
    nodes.some(({ ready, joining }) => !ready && !joining) ||
    unreached.length > 0 ||
    unfinished.length > 0 ||
    databases.some(({ status }) => !isServing(status)) ||
    // One that has no data, or would tell nobody, watches nothing.
    alarms.length > 0
  if (bad) return 'unhealthy'
  if (sources.some(({ name, state }) => state !== 'ok' && !(state === 'denied' && EXPLAINING.has(name))))
    return 'unknown'
  return services.some(({ state }) => state === 'rolling out') ? 'progressing' : 'healthy'
}
