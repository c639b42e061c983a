import type { ListrTask } from 'listr2'
import { failureLine } from '../../domain/rollout/report.ts'
import type { ReleasePorts, ServiceRun } from './change-service.ts'
import type { ServicePlan, ServiceResult } from './types.ts'

/** What a planned change of a service has, whatever the change is. */
export type PlannedService = Pick<ServicePlan, 'service' | 'wave' | 'revision' | 'image'>

/** The tasks of an operation on services, and what they have come to once they were run. */
export interface ServiceTasks {
  tasks: ListrTask[]
  /** One result for each service of the plan. */
  results: () => ServiceResult[]
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
  const skip = (what: string) => {
    const why = blocked()
    return why !== undefined && `${what} skipped: ${why}`
  }
  const serviceTask = (service: Plan): ListrTask => ({
    title: service.service,
    skip: () => skip(service.service),
    task: async (_context, task) => {
      const result = await act(start(), service, (text) => {
        if (task.output !== text) task.output = text
      })
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
    results: () => services.map((service) => results.get(service.service) ?? notStarted(service)),
    close: () => stop.abort(),
  }
}

function waveTasks<Plan extends PlannedService>(
  services: Plan[],
  concurrency: number,
  serviceTask: (plan: Plan) => ListrTask,
  skip: (what: string) => string | false,
): ListrTask[] {
  const waves = [...new Set(services.map(({ wave }) => wave))].sort((a, b) => a - b)
  return waves.map((wave, index) => {
    const title = waves.length === 1 ? 'Services' : `Wave ${index + 1} of ${waves.length}`
    const members = services.filter((service) => service.wave === wave)
    return {
      title,
      exitOnError: false,
      // A wave of which nothing starts would else end well.
      skip: () => skip(`${title}: ${members.map(({ service }) => service).join(', ')}`),
      task: (_context, task) =>
        task.newListr(
          members.map((service) => serviceTask(service)),
          { concurrent: concurrency, exitOnError: false },
        ),
    }
  })
}

function notStarted({ service, revision, image }: PlannedService): ServiceResult {
  return {
    service,
    outcome: 'skipped',
    revision: { before: revision, after: revision },
    image,
    changed: false,
    durationMs: 0,
  }
}
