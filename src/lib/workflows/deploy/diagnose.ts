import type { WorkloadWatch } from '../../adapters/kubernetes/workload-watch.ts'
import { withNames } from '../../domain/diagnosis/advice.ts'
import { explainedBy } from '../../domain/diagnosis/database.ts'
import type { EventFacts, PodFacts } from '../../domain/rollout/facts.ts'
import type { LogExcerpt, RolloutFailure } from '../../domain/rollout/report.ts'
import { messageOf } from '../../errors.ts'
import { keepEvidence } from '../record/evidence.ts'
import type { ReleasePorts } from './change-service.ts'
import type { RolloutFailedError } from './track.ts'
import type { ServiceResult } from './types.ts'

const LOG_LINES = 50
/** Normal steps of a pod's life say nothing about why it failed. */
const ROUTINE = new Set([
  'Scheduled',
  'Pulling',
  'Pulled',
  'Created',
  'Started',
  'SuccessfulCreate',
  'ScalingReplicaSet',
])

/** What explains a failed rollout, and what of it could not be read or written. */
type Explained = Required<Pick<ServiceResult, 'failure' | 'reportingProblems'>>

/**
 * Gathers what explains a failed rollout while it is still there, and writes all of it to the evidence folder. Never
 * throws: the rollout has failed, whatever can be said about it.
 */
export async function diagnose(
  ports: ReleasePorts,
  watch: WorkloadWatch,
  service: string,
  failed: RolloutFailedError,
): Promise<Explained> {
  try {
    const { failure, events } = await explain(ports, watch, service, failed)
    const reportingProblems = await keepEvidence(ports, await filesOf(ports, failure, events, failed.pod))
    return { failure, reportingProblems }
  } catch (error) {
    const { finding, pod } = failed
    const container = pod?.containers.find(({ name }) => name === finding.container)
    const failure = { service, finding, image: container?.image, node: pod?.node, events: [], logs: [] }
    return { failure, reportingProblems: [`evidence could not be collected: ${messageOf(error)}`] }
  }
}

async function explain(
  ports: ReleasePorts,
  watch: WorkloadWatch,
  service: string,
  { finding, pod }: RolloutFailedError,
): Promise<{ failure: RolloutFailure; events: EventFacts[] }> {
  const about = [finding.object.uid, ...(pod && pod.uid !== finding.object.uid ? [pod.uid] : [])]
  const events = about.flatMap((uid) => watch.eventsAbout(uid)).sort((a, b) => a.at - b.at)
  const named = (name: string | undefined) => pod?.containers.find((each) => each.name === name)
  const container = named(finding.container) ?? named(pod?.main) ?? pod?.containers.at(-1)
  const logs = pod && container ? await logsOf(ports, pod.name, container.name, container.restarts > 0) : []
  const explained = explainedBy(
    { ...finding, node: pod?.node },
    logs.flatMap(({ lines }) => lines),
  )
  const failure: RolloutFailure = {
    service,
    finding: withNames({ ...explained, advice: withEvidence(explained.advice, pod, logs) }, ports, service),
    image: container?.image,
    node: pod?.node,
    events: events.filter(({ reason }) => !ROUTINE.has(reason)),
    logs,
    ...(watch.gaps.length > 0 && { gaps: watch.gaps }),
  }
  return { failure, events }
}

/** Advice that reads what is shown: the pods themselves are gone once the service is back on its earlier version. */
function withEvidence(advice: string, pod: PodFacts | undefined, logs: LogExcerpt[]): string {
  const read = pod
    ? advice.replaceAll(/kubectl (describe pod|get pod NAME --output yaml)( NAME)?/g, POD)
    : advice
  return logs.length > 0 ? read.replaceAll(/emr logs ENV SERVICE( --previous)?/g, LOG) : read
}

const POD = 'the reason and the events above'
const LOG = 'the log above'

async function logsOf(
  { workloads, signal }: ReleasePorts,
  pod: string,
  container: string,
  restarted: boolean,
): Promise<LogExcerpt[]> {
  const read = async (previous: boolean): Promise<LogExcerpt> => {
    const source = { pod, container, previous, lines: LOG_LINES }
    // A failure is reported even if its logs cannot be read.
    try {
      return { pod, container, previous, lines: await workloads.logLines(source, signal) }
    } catch (error) {
      return { pod, container, previous, lines: [], unknown: messageOf(error) }
    }
  }
  const logs = await Promise.all([...(restarted ? [read(true)] : []), read(false)])
  const told = logs.filter(({ lines, unknown }) => lines.length > 0 || unknown)
  const [previous, current] = told
  // A crash loop says the same in each of its runs.
  return previous && current && !current.unknown && previous.lines.join() === current.lines.join()
    ? [current]
    : told
}

/** The files of the evidence, by name. */
async function filesOf(
  { workloads, signal }: ReleasePorts,
  failure: RolloutFailure,
  events: EventFacts[],
  { name: podName }: Partial<PodFacts> = {},
): Promise<Record<string, unknown>> {
  const pod = podName && (await workloads.pod(podName, signal).catch(() => undefined))
  const logs = failure.logs.map(({ pod: name, container, previous, lines }) => {
    const suffix = previous ? '.previous.log' : '.log'
    return [`${failure.service}.${name}.${container}${suffix}`, `${lines.join('\n')}\n`]
  })
  return { [`${failure.service}.json`]: { ...failure, events, pod }, ...Object.fromEntries(logs) }
}
