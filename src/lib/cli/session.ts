import { dirname, join } from 'node:path'
import type { EksCluster } from '../adapters/aws/eks.ts'
import { type ClusterAccess, loadClusterAccess } from '../adapters/kubernetes/kubeconfig.ts'
import { findTool, type Tool, type ToolName } from '../adapters/tools/find.ts'
import { resolveEnvironment } from '../config/environment.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import type { AwsAccount, Environment } from '../domain/environment.ts'
import { ProcessRunner, type Runner } from '../process/runner.ts'
import { usageError } from './flags.ts'

/** One command's work on one environment: its configuration, and how to reach everything it names. */
export interface Session {
  config: LoadedConfig
  environment: Environment
  /** `.emr` beside the configuration: kubeconfigs, sandbox, evidence. */
  stateFolder: string
  runner: Runner
  signal: AbortSignal
}

/** How a command names its environment and its configuration. */
export interface SessionFlags {
  config?: string
  /** The first argument. */
  argument?: string
  /** -e */
  environment?: string
}

/** Loads the configuration and picks the environment: argument, then -e, then EMR_ENVIRONMENT, then the default. */
export async function openSession(flags: SessionFlags, signal: AbortSignal): Promise<Session> {
  const { argument, environment: flag } = flags
  if (argument !== undefined && flag !== undefined && argument !== flag) {
    throw usageError(`The environment is given twice: '${argument}' and -e '${flag}'`, ['name it once'])
  }
  const config = await loadConfig(process.cwd(), flags.config, process.env)
  const name = argument ?? flag ?? config.settings.defaultEnvironment
  if (name === undefined) {
    throw usageError('No environment is named', [
      `name it as the first argument: ${Object.keys(config.settings.environments).join(', ')}`,
      'or set EMR_ENVIRONMENT, or defaultEnvironment in emr.config.yaml',
    ])
  }
  return {
    config,
    environment: resolveEnvironment(config, name),
    stateFolder: stateFolderOf(config),
    runner: new ProcessRunner(),
    signal,
  }
}

export function stateFolderOf(config: LoadedConfig): string {
  return join(dirname(config.file), '.emr')
}

/** The program that the configuration names, that is on PATH, or that emr brings. */
export function tool(
  { config, runner, signal }: Pick<Session, 'config' | 'runner' | 'signal'>,
  name: ToolName,
): Promise<Tool> {
  const configured = name === 'aws' ? undefined : config.settings.tools[name]
  return findTool(name, configured, runner, signal)
}

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
    const { sandboxKubeconfig } = await import('./sandbox.ts')
    const sandbox = await sandboxKubeconfig(session, options)
    return sandbox && loadClusterAccess(sandbox.kubeconfig, sandbox.context, runner)
  }
  const { describeCluster } = await import('../adapters/aws/eks.ts')
  const account = aws as AwsAccount
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
