import { Evidence } from '../adapters/evidence.ts'
import { Helm } from '../adapters/helm/helm.ts'
import { AuditLog } from '../adapters/kubernetes/audit-log.ts'
import { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { EnvironmentLock } from '../adapters/kubernetes/environment-lock.ts'
import { LiveState } from '../adapters/kubernetes/live-state.ts'
import { ReleaseSets } from '../adapters/kubernetes/release-sets.ts'
import { Workloads } from '../adapters/kubernetes/workloads.ts'
import { kubectlLine } from '../domain/command-line.ts'
import { OUTAGE_MS } from '../domain/outage.ts'
import { FencedRunner } from '../process/fenced-runner.ts'
import type { DeployPorts } from '../workflows/deploy/types.ts'
import { clusterAccess } from './cluster-access.ts'
import { operationId } from './operation-id.ts'
import { type Session, tool } from './session.ts'

/** An environment within reach: its releases, its records and its lock. */
export interface EnvironmentAccess {
  session: Session
  /** Bound to the lock: helm writes nothing unless it is held, and everything stops when it is lost. */
  ports: DeployPorts
  client: KubernetesClient
  lock: Pick<EnvironmentLock, keyof EnvironmentLock>
  sets: Pick<ReleaseSets, keyof ReleaseSets>
  audit: Pick<AuditLog, keyof AuditLog>
  kubeconfig: string
}

/**
 * Finds the cluster and helm; starts the sandbox where the environment is on it.
 * @throws {KubernetesConnectionError} when the API server does not answer
 */
export async function reachEnvironment(session: Session): Promise<EnvironmentAccess> {
  const { environment, stateFolder, runner } = session
  const { namespace } = environment
  const [access, helm] = await Promise.all([clusterAccess(session, { start: true }), tool(session, 'helm')])
  const { kubeconfig, context } = access
  const client = new KubernetesClient(access)
  const lock = new EnvironmentLock(client, namespace, environment.name)
  const fenced = new FencedRunner(runner, () => lock.confirm())
  const id = operationId()
  const ports: DeployPorts = {
    id,
    environment,
    kubectl: kubectlLine(access),
    helm: new Helm(helm, { kubeconfig, context, namespace }, fenced),
    workloads: new Workloads(client, namespace),
    live: new LiveState(client, namespace),
    evidence: new Evidence(stateFolder, id),
    signal: AbortSignal.any([session.signal, lock.lost]),
    now: Date.now,
  }
  // A server that does not answer now is a wrong address or a missing network; later an outage is waited out.
  await ports.workloads.clusterVersion(session.signal)
  client.patienceMs = OUTAGE_MS
  const sets = new ReleaseSets(client, namespace)
  return { session, ports, client, lock, sets, audit: new AuditLog(client, namespace), kubeconfig }
}
