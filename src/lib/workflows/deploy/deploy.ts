import type { ListrTask } from 'listr2'
import { formatDuration } from '../../domain/duration.ts'
import { versionChange } from '../../domain/image.ts'
import { deployService } from './deploy-service.ts'
import { type ServiceTasks, serviceTasks } from './service-tasks.ts'
import type { DeployPlan, DeployPorts, DeployRequest, ServicePlan, ServiceResult } from './types.ts'

/**
 * The deploy as a runbook: wave after wave. When a service fails, those of its wave that run are followed to their
 * end, and nothing new is started.
 */
export function deployTasks(ports: DeployPorts, request: DeployRequest, plan: DeployPlan): ServiceTasks {
  const { concurrency, timeoutMs } = request
  const { services } = plan
  return serviceTasks(ports, {
    services,
    concurrency,
    timeoutMs,
    stopAtFailure: true,
    act: deployService,
    summary,
  })
}

/** helm's --create-namespace would make one without a Pod Security level. */
export function namespaceTask({ workloads, signal }: DeployPorts, plan: DeployPlan): ListrTask {
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
  if (outcome === 'unchanged') return 'unchanged, ready'
  const count = changes.length === 1 ? '1 object' : `${changes.length} objects`
  return `${versionChange(image)} ready in ${formatDuration(durationMs)} (revision ${revision.after}, ${count})`
}
