import { dirname, resolve } from 'node:path'
import { parseDuration } from '../domain/duration.ts'
import type {
  ClusterReference,
  Environment,
  Infrastructure,
  RolloutThresholds,
} from '../domain/environment.ts'
import { EmrError, ExitCode, nearest } from '../errors.ts'
import { backupSettings, databaseReference } from './backup.ts'
import type { LoadedConfig } from './load.ts'
import { type ConfigFile, terraformDefaults } from './schema.ts'

/**
 * One environment of the configuration, complete: defaults filled in, paths absolute.
 * @throws {EmrError} ENVIRONMENT_UNKNOWN (exit 2)
 */
export function resolveEnvironment(config: LoadedConfig, name: string): Environment {
  const { settings } = config
  const folder = dirname(config.file)
  const environment = Object.hasOwn(settings.environments, name) ? settings.environments[name] : undefined
  if (environment === undefined) {
    const known = Object.keys(settings.environments)
    const close = nearest(name, known)
    throw new EmrError(`There is no environment '${name}' in ${config.file}`, {
      code: 'ENVIRONMENT_UNKNOWN',
      exitCode: ExitCode.usage,
      suggestions: [close ? `did you mean '${close}'?` : `known environments: ${known.join(', ')}`],
    })
  }
  const fill = (template: string, service: string, chart: string) =>
    resolve(
      folder,
      template
        .replaceAll('{chart}', chart)
        .replaceAll('{service}', service)
        .replaceAll('{environment}', name),
    )
  return {
    name,
    protected: environment.protected ?? name === 'production',
    namespace: environment.namespace ?? `emr-platform-${name}`,
    cluster: clusterReference(environment.cluster, folder),
    aws: environment.aws,
    infrastructure: infrastructure(environment, name, folder),
    ...(environment.gateway && { gateway: environment.gateway }),
    concurrency: environment.concurrency,
    rollout: thresholds(environment.rollout),
    database: environment.database && databaseReference(environment.database, folder),
    backup: environment.backup && backupSettings(environment.backup, folder, 'eks' in environment.cluster),
    services: Object.entries(settings.services).map(([service, { chart = `helm/${service}`, needs }]) => ({
      name: service,
      chart: resolve(folder, chart),
      values: environment.values.map((file) => fill(file, service, chart)),
      needs,
    })),
  }
}

function clusterReference(
  cluster: ConfigFile['environments'][string]['cluster'],
  folder: string,
): ClusterReference {
  if ('eks' in cluster) return { kind: 'eks', name: cluster.eks }
  if ('sandbox' in cluster) return { kind: 'sandbox' }
  return { kind: 'kubeconfig', kubeconfig: resolve(folder, cluster.kubeconfig), context: cluster.context }
}

function infrastructure(
  { aws, terraform = terraformDefaults }: ConfigFile['environments'][string],
  name: string,
  folder: string,
): Infrastructure | undefined {
  if (aws === undefined) return undefined
  const module = resolve(folder, terraform.folder)
  return {
    folder: module,
    varFile: resolve(module, terraform.varFile.replaceAll('{environment}', name)),
    workspace: terraform.workspace ?? name,
    backend: { ...terraform.backend, region: terraform.backend.region ?? aws.region },
  }
}

function thresholds(settings: ConfigFile['environments'][string]['rollout']): RolloutThresholds {
  const ms = (text: string) => parseDuration(text) ?? 0
  const { timeout, imagePull, containerConfig, unschedulable, scaleUp, podCreation, restarts } = settings
  return {
    timeout: ms(timeout),
    imagePull: ms(imagePull),
    containerConfig: ms(containerConfig),
    unschedulable: ms(unschedulable),
    scaleUp: ms(scaleUp),
    podCreation: ms(podCreation),
    restarts,
  }
}
