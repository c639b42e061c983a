import type { ListrTask } from 'listr2'
import { failureLine } from '../../domain/rollout/report.ts'
import { messageOf } from '../../errors.ts'
import type { ReleasePorts, ServiceRun } from './change-service.ts'
import type { ServicePlan, ServiceResult } from './types.ts'

/** What a planned change of a service has, whatever the change is. */
export type PlannedService = Pick<ServicePlan, 'service' | 'wave' | 'revision' | 'image'>

/** The tasks of an operation on services, and what they have come to once they were run. */
export interface ServiceTasks {
  tasks: ListrTask[]
  /**
   * One result for each service of the plan; a service that was neither run nor skipped has failed.
   * @param why it has no result, where that is known
   */
  results: (why?: unknown) => ServiceResult[]
  /** Ends what was started for the tasks. */
  close: () => void
}

interface Runbook<Plan extends PlannedService> {
  services: Plan[]
  concurrency: number
  /** Milliseconds for all of it. */
  timeoutMs: number
  /** Whether a failure keeps what has not started from starting. */
  stopAtFailure: boolean
  act: (run: ServiceRun, plan: Plan, onProgress: (text: string) => void) => Promise<ServiceResult>
  summary: (plan: Plan, result: ServiceResult) => string
}

/** Wave after wave; the services of one wave side by side. */
export function serviceTasks<Plan extends PlannedService>(
  ports: ReleasePorts,
  runbook: Runbook<Plan>,
): ServiceTasks {
  const { services, timeoutMs, stopAtFailure, act, summary } = runbook
  const results = new Map<string, ServiceResult>()
  const stop = new AbortController()
  let run: ServiceRun | undefined
  const start = (): ServiceRun => {
    run ??= {
      ports,
      timeoutMs,
      deadline: AbortSignal.timeout(timeoutMs),
      watch: ports.workloads.watch(AbortSignal.any([ports.signal, stop.signal])),
    }
    return run
  }
  const blocked = () => {
    const failed = [...results.values()].find(({ outcome }) => outcome === 'failed')
    if (failed && stopAtFailure) return `${failed.service} failed`
    return ports.signal.aborted ? 'interrupted' : undefined
  }
  // A terminal shows the reason in place of the title: so it names what is skipped.
  const skip = (what: string, members: Plan[]) => {
    const why = blocked()
    if (why === undefined) return false
    for (const member of members) results.set(member.service, skipped(member))
    return `${what} skipped: ${why}`
  }
  const serviceTask = (service: Plan): ListrTask => ({
    title: service.service,
    skip: () => skip(service.service, [service]),
    task: async (_context, task) => {
      const onProgress = (text: string) => {
        if (task.output !== text) task.output = text
      }
      const carryOut = async () => act(start(), service, onProgress)
      const result = await carryOut().catch((error: unknown) => failedResult(ports, service, error))
      results.set(service.service, result)
      if (result.outcome === 'failed' || result.outcome === 'interrupted') {
        const told = [result.error, result.failure && failureLine(result.failure)].filter(Boolean)
        const why = told.length === 0 ? 'interrupted' : told.join(': ')
        // A terminal shows a failed task by its title: the reason is not kept back until its neighbours have ended.
        task.title = `${service.service}: ${why.split('\n')[0]}`
        throw new Error(why)
      }
      task.title = `${service.service}: ${summary(service, result)}`
    },
  })
  return {
    tasks: waveTasks(services, runbook.concurrency, serviceTask, skip),
    results: (why = 'it has no result') =>
      services.map((service) => results.get(service.service) ?? failedResult(ports, service, why)),
    close: () => stop.abort(),
  }
}

function waveTasks<Plan extends PlannedService>(
  services: Plan[],
  concurrency: number,
  serviceTask: (plan: Plan) => ListrTask,
  skip: (what: string, members: Plan[]) => string | false,
): ListrTask[] {
  const waves = [...new Set(services.map(({ wave }) => wave))].sort((a, b) => a - b)
  return waves.map((wave, index) => {
    const title = waves.length === 1 ? 'Services' : `Wave ${index + 1} of ${waves.length}`
    const members = services.filter((service) => service.wave === wave)
    return {
      title,
      exitOnError: false,
      // A wave of which nothing starts would else end well.
      skip: () => skip(`${title}: ${members.map(({ service }) => service).join(', ')}`, members),
      task: (_context, task) =>
        task.newListr(
          members.map((service) => serviceTask(service)),
          { concurrent: concurrency, exitOnError: false },
        ),
    }
  })
}

function skipped({ service, revision, image }: PlannedService): ServiceResult {
  return {
    service,
    outcome: 'skipped',
    revision: { before: revision, after: revision },
    image,
    changed: false,
    durationMs: 0,
  }
}

/** The result where something was thrown in place of one: what was begun by then is not known, so it counts as changed. */
function failedResult(ports: ReleasePorts, service: PlannedService, error: unknown): ServiceResult {
  return {
    ...skipped(service),
    outcome: ports.signal.aborted ? 'interrupted' : 'failed',
    changed: true,
    error: messageOf(error),
    unknown: ports.signal.aborted || ports.workloads.isTransient(error) || ports.helm.isTransient(error),
  }
}
