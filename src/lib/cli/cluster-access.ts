import { join } from 'node:path'
import type { EksCluster } from '../adapters/aws/eks.ts'
import { type ClusterAccess, loadClusterAccess } from '../adapters/kubernetes/kubeconfig.ts'
import type { AwsAccount } from '../domain/environment.ts'
import { sandboxKubeconfig } from './sandbox.ts'
import type { Session } from './session.ts'

/**
 * How to reach the environment's cluster.
 * @param options.start start the sandbox where the environment is on it
 * @returns undefined for a sandbox that does not run and is not to be started
 */
export async function clusterAccess(session: Session, options: { start: true }): Promise<ClusterAccess>
export async function clusterAccess(
  session: Session,
  options: { start: boolean },
): Promise<ClusterAccess | undefined>
export async function clusterAccess(
  session: Session,
  options: { start: boolean },
): Promise<ClusterAccess | undefined> {
  const { environment, stateFolder, runner, signal } = session
  const { cluster, aws } = environment
  if (cluster.kind === 'kubeconfig') return loadClusterAccess(cluster.kubeconfig, cluster.context, runner)
  if (cluster.kind === 'sandbox') {
    const sandbox = await sandboxKubeconfig(session, options)
    return sandbox && loadClusterAccess(sandbox.kubeconfig, sandbox.context, runner)
  }
  const account = aws as AwsAccount
  const { assertAccount, callerIdentity } = await import('../adapters/aws/account.ts')
  assertAccount(await callerIdentity(account, signal), account, environment.name)
  const { describeCluster } = await import('../adapters/aws/eks.ts')
  const eks = await describeCluster(account, cluster.name, signal)
  const { kubeconfig, context } = await writeEksKubeconfig(stateFolder, environment.name, eks, account)
  return loadClusterAccess(kubeconfig, context, runner)
}

/** A private kubeconfig for one environment: the user's own file and its current context stay as they are. */
async function writeEksKubeconfig(
  stateFolder: string,
  environment: string,
  cluster: EksCluster,
  account: AwsAccount,
): Promise<{ kubeconfig: string; context: string }> {
  const { eksKubeconfig } = await import('../adapters/aws/eks.ts')
  const { writePrivateFile } = await import('../adapters/private-file.ts')
  const { stringify } = await import('yaml')
  const context = `emr-${environment}`
  const kubeconfig = join(stateFolder, 'kubeconfig', `${environment}.yaml`)
  await writePrivateFile(kubeconfig, stringify(eksKubeconfig(cluster, account, context)))
  return { kubeconfig, context }
}
