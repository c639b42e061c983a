import type { PlannedResource } from './plan.ts'

/** An AWS service whose versions come and go. */
export type VersionedService = 'eks' | 'rds' | 'msk' | 'elasticache'

/** A version that a plan asks of AWS for the first time. */
export interface VersionDemand {
  service: VersionedService
  version: string
  address: string
  /** The Terraform variable that sets it. */
  variable: string
}

/** What a plan takes of the account's quotas. */
export interface QuotaDemand {
  vpcs: number
  elasticIps: number
  /** Of on-demand instances of the standard families: those that start at once, and the most that may run. */
  vcpus: { least: number; most: number }
}

const VERSIONS: Record<string, { service: VersionedService; attribute: string; variable: string }> = {
  aws_eks_cluster: { service: 'eks', attribute: 'version', variable: 'eks_version' },
  aws_db_instance: { service: 'rds', attribute: 'engine_version', variable: 'rds_engine_version' },
  aws_msk_cluster: { service: 'msk', attribute: 'kafka_version', variable: 'msk_kafka_version' },
  aws_elasticache_replication_group: {
    service: 'elasticache',
    attribute: 'engine_version',
    variable: 'redis_engine_version',
  },
}

/** The versions of what is made anew or changes its version; what stays as it is was accepted by AWS before. */
export function versionDemands(resources: readonly PlannedResource[]): VersionDemand[] {
  return resources.flatMap(({ address, type, actions, before, after }) => {
    const known = VERSIONS[type]
    const version = known && after[known.attribute]
    if (known === undefined || typeof version !== 'string') return []
    if (!actions.includes('create') && before[known.attribute] === version) return []
    return [{ service: known.service, version, address, variable: known.variable }]
  })
}

/** What the resources that are made anew take of the quotas. */
export function quotaDemand(resources: readonly PlannedResource[]): QuotaDemand {
  const made = resources.filter(({ actions }) => actions.length === 1 && actions[0] === 'create')
  const number = (type: string) => made.filter((resource) => resource.type === type).length
  const groups = made.filter(({ type }) => type === 'aws_eks_node_group').map(({ after }) => nodes(after))
  return {
    vpcs: number('aws_vpc'),
    elasticIps: number('aws_eip'),
    vcpus: {
      least: groups.reduce((sum, { least, each }) => sum + least * each, 0),
      most: groups.reduce((sum, { most, each }) => sum + most * each, 0),
    },
  }
}

function nodes(group: Record<string, unknown>): { least: number; most: number; each: number } {
  const [scaling] = (group.scaling_config ?? []) as { desired_size?: number; max_size?: number }[]
  const types = (group.instance_types ?? []) as string[]
  return {
    least: scaling?.desired_size ?? 0,
    most: scaling?.max_size ?? 0,
    each: Math.max(0, ...types.map(vcpusOf)),
  }
}

/** By the size in its name, as in m6i.2xlarge; 0 for a size without a rule. */
function vcpusOf(instanceType: string): number {
  const [, times, size] = /\.(\d*)(x?large)$/.exec(instanceType) ?? []
  if (size === 'large') return 2
  return size === 'xlarge' ? 4 * Number(times || 1) : 0
}
