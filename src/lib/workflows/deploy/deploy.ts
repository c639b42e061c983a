import type { ListrTask } from 'listr2'
import { formatDuration } from '../../domain/duration.ts'
import { versionChange } from '../../domain/image.ts'
import { type DeployRun, deployService } from './deploy-service.ts'
import type { DeployPlan, DeployPorts, DeployRequest, ServicePlan, ServiceResult } from './types.ts'

/** The tasks of a deploy, and what they have come to once they were run. */
export interface Deployment {
  tasks: ListrTask[]
  /** One result for each service of the plan. */
  results: () => ServiceResult[]
  /** Ends what was started for the tasks. */
  close: () => void
}

/**
 * The deploy as a runbook: the namespace, then wave after wave. When a service fails, those of its wave that run are
 * followed to their end, and nothing new is started.
 */
export function deployTasks(ports: DeployPorts, request: DeployRequest, plan: DeployPlan): Deployment {
  const results = new Map<string, ServiceResult>()
  const stop = new AbortController()
  let run: DeployRun | undefined
  const start = (): DeployRun => {
    run ??= {
      ports,
      timeoutMs: request.timeoutMs,
      deadline: AbortSignal.timeout(request.timeoutMs),
      watch: ports.workloads.watch(AbortSignal.any([ports.signal, stop.signal])),
    }
    return run
  }
  const blocked = () => {
    const failed = [...results.values()].find(({ outcome }) => outcome === 'failed')
    if (failed) return `${failed.service} failed`
    return ports.signal.aborted ? 'interrupted' : false
  }
  const serviceTask = (service: ServicePlan): ListrTask => ({
    title: service.service,
    skip: blocked,
    task: async (_context, task) => {
      const result = await deployService(start(), service, (text) => {
        if (task.output !== text) task.output = text
      })
      results.set(service.service, result)
      if (result.outcome === 'failed') throw new Error(result.failure?.finding.reason ?? result.error)
      if (result.outcome === 'interrupted') throw new Error('interrupted')
      task.title = `${service.service}: ${summary(service, result)}`
    },
  })
  return {
    tasks: [namespaceTask(ports, plan), ...waveTasks(plan, request.concurrency, serviceTask)],
    results: () => plan.services.map((service) => results.get(service.service) ?? notStarted(service)),
    close: () => stop.abort(),
  }
}

function waveTasks(
  plan: DeployPlan,
  concurrency: number,
  serviceTask: (plan: ServicePlan) => ListrTask,
): ListrTask[] {
  const count = Math.max(...plan.services.map(({ wave }) => wave)) + 1
  return Array.from({ length: count }, (_, index) => ({
    title: count === 1 ? 'Services' : `Wave ${index + 1} of ${count}`,
    exitOnError: false,
    task: (_context, task) =>
      task.newListr(
        plan.services.filter(({ wave }) => wave === index).map((service) => serviceTask(service)),
        { concurrent: concurrency, exitOnError: false },
      ),
  }))
}

/** helm's --create-namespace would make one without a Pod Security level. */
function namespaceTask({ workloads, signal }: DeployPorts, plan: DeployPlan): ListrTask {
  const labels = {
    'app.kubernetes.io/managed-by': 'emr',
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/audit': 'restricted',
    'pod-security.kubernetes.io/warn': 'restricted',
    // A new pod counts as ready once the load balancer sends it requests; without that controller it means nothing.
    'elbv2.k8s.aws/pod-readiness-gate-inject': 'enabled',
  }
  return {
    title: `Namespace ${plan.namespace}`,
    enabled: plan.createNamespace,
    task: () => workloads.createNamespace(labels, signal),
  }
}

function summary({ image, changes }: ServicePlan, { outcome, durationMs, revision }: ServiceResult): string {
  if (outcome === 'unchanged') return 'unchanged, healthy'
  const count = changes.length === 1 ? '1 object' : `${changes.length} objects`
  return `${versionChange(image)} ready in ${formatDuration(durationMs)} (revision ${revision.after}, ${count})`
}

function notStarted({ service, revision, image }: ServicePlan): ServiceResult {
  return {
    service,
    outcome: 'skipped',
    revision: { before: revision, after: revision },
    image,
    durationMs: 0,
  }
}
