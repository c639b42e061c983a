import { KubernetesClient } from '../../adapters/kubernetes/client.ts'
import type { ClusterAccess } from '../../adapters/kubernetes/kubeconfig.ts'
import { Clock } from '../clock.ts'
import type { SandboxSettings } from '../settings.ts'
import { startAutoscalers } from './autoscaler.ts'
import { Cluster } from './cluster.ts'
import { startDeployments } from './deployment/deployment.ts'
import { startDisruption } from './disruption.ts'
import { startExternalSecrets } from './external-secrets.ts'
import { startGarbageCollector } from './garbage-collector.ts'
import { startIngressStatus } from './ingress-status.ts'
import { startJobs } from './job.ts'
import { startKubelets } from './kubelet.ts'
import { startNamespaces } from './namespace.ts'
import { startQuotas } from './quota.ts'
import { startReplicaSets } from './replica-set.ts'
import { startScheduler } from './scheduler.ts'
import { startEndpoints } from './service-endpoints.ts'

/**
 * Starts every controller against an API server: the sandbox's own, or a kube-apiserver that has none. They are
 * ordinary clients and know of the server only what its API tells.
 * @returns the function that stops them
 */
export function startControllers(access: ClusterAccess, settings: SandboxSettings): () => void {
  const client = new KubernetesClient(access)
  const abort = new AbortController()
  const cluster = new Cluster(client, new Clock(settings.speed), settings, abort.signal)
  for (const start of [
    startNamespaces,
    startScheduler,
    startKubelets,
    startReplicaSets,
    startDeployments,
    startJobs,
    startEndpoints,
    startAutoscalers,
    startDisruption,
    startQuotas,
    startGarbageCollector,
    startExternalSecrets,
    startIngressStatus,
  ]) {
    start(cluster)
  }
  void cluster.start()
  return () => {
    abort.abort()
    client.close()
  }
}
