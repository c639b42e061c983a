import type { WorkloadWatch } from '../../adapters/kubernetes/workload-watch.ts'
import { withNames } from '../../domain/diagnosis/advice.ts'
import { explainedBy } from '../../domain/diagnosis/database.ts'
import type { EventFacts } from '../../domain/rollout/facts.ts'
import type { LogExcerpt, RolloutFailure } from '../../domain/rollout/report.ts'
import type { ReleasePorts } from './change-service.ts'
import type { RolloutFailedError } from './track.ts'

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

/** Gathers what explains a failed roll-out while it is still there, and writes all of it to the evidence folder. */
export async function diagnose(
  ports: ReleasePorts,
  watch: WorkloadWatch,
  service: string,
  { finding, pod }: RolloutFailedError,
): Promise<RolloutFailure> {
  const about = [finding.object.uid, ...(pod && pod.uid !== finding.object.uid ? [pod.uid] : [])]
  const events = about.flatMap((uid) => watch.eventsAbout(uid)).sort((a, b) => a.at - b.at)
  const container = pod?.containers.find(({ name }) => name === finding.container) ?? pod?.containers.at(-1)
  const logs = pod && container ? await logsOf(ports, pod.name, container.name, container.restarts > 0) : []
  const failure: RolloutFailure = {
    service,
    finding: withNames(
      explainedBy(
        { ...finding, node: pod?.node },
        logs.flatMap(({ lines }) => lines),
      ),
      ports,
      service,
    ),
    image: container?.image,
    node: pod?.node,
    events: events.filter(({ reason }) => !ROUTINE.has(reason)),
    logs,
  }
  await writeEvidence(ports, failure, events, pod?.name)
  return failure
}

async function logsOf(
  { workloads, signal }: ReleasePorts,
  pod: string,
  container: string,
  restarted: boolean,
): Promise<LogExcerpt[]> {
  const read = async (previous: boolean): Promise<LogExcerpt> => {
    const source = { pod, container, previous, lines: LOG_LINES }
    // A failure is told also where its logs cannot be had.
    const lines = await workloads.logLines(source, signal).catch(() => {
      signal.throwIfAborted()
      return []
    })
    return { pod, container, previous, lines }
  }
  const logs = await Promise.all([...(restarted ? [read(true)] : []), read(false)])
  const told = logs.filter(({ lines }) => lines.length > 0)
  const [previous, current] = told
  // A crash loop says the same in each of its runs.
  return previous && current && previous.lines.join() === current.lines.join() ? [current] : told
}

async function writeEvidence(
  ports: ReleasePorts,
  failure: RolloutFailure,
  events: EventFacts[],
  podName: string | undefined,
): Promise<void> {
  const { evidence, workloads, signal } = ports
  const pod = podName && (await workloads.pod(podName, signal).catch(() => undefined))
  await evidence.write(`${failure.service}.json`, { ...failure, events, pod })
  for (const { pod: name, container, previous, lines } of failure.logs) {
    const suffix = previous ? '.previous.log' : '.log'
    await evidence.write(`${failure.service}.${name}.${container}${suffix}`, `${lines.join('\n')}\n`)
  }
}
