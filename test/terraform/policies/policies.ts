/** One resource of the applied module, with every attribute known. */
export interface Resource {
  address: string
  type: string
  values: Record<string, unknown>
}

/** Judges all resources of an environment; each line it returns is a violation. */
export type Policy = (resources: Resource[]) => string[]

interface Statement {
  Effect: string
  Action?: string | string[]
  Resource?: string | string[]
  Principal?: unknown
  Condition?: Record<string, Record<string, unknown>>
}

/** The resources of these types that do not hold what is wanted; none of a type at all is a violation too. */
function every(wanted: Record<string, (values: never) => boolean>): Policy {
  return (resources) =>
    Object.entries(wanted).flatMap(([type, holds]) => {
      const found = resources.filter((resource) => resource.type === type)
      if (found.length === 0) return [`there is no ${type}`]
      return found.filter(({ values }) => !holds(values as never)).map(({ address }) => address)
    })
}

const isKey = (key: unknown) => typeof key === 'string' && key.startsWith('arn:aws:kms:')
const isOn = (value: unknown) => value === true || value === 'true'
const words = (value: string | string[] | undefined) => [value ?? []].flat()

function statementsOf({ values }: Resource, attribute = 'policy'): Statement[] {
  const text = values[attribute]
  if (typeof text !== 'string' || !text.startsWith('{')) return []
  return [(JSON.parse(text) as { Statement: Statement | Statement[] }).Statement].flat()
}

interface Values {
  database: { storage_encrypted: unknown; kms_key_id: unknown; performance_insights_kms_key_id: unknown }
  cache: {
    at_rest_encryption_enabled: unknown
    transit_encryption_enabled: unknown
    kms_key_id: unknown
    transit_encryption_mode: string
    auth_token: unknown
  }
  kafka: {
    encryption_info: {
      encryption_at_rest_kms_key_arn: unknown
      encryption_in_transit: { client_broker: string; in_cluster: unknown }[]
    }[]
    client_authentication: { unauthenticated: unknown; sasl: { iam: unknown }[] }[]
    broker_node_group_info: { connectivity_info: { public_access: { type: string }[] }[] }[]
  }
  cluster: {
    encryption_config: { resources: string[]; provider: { key_arn: unknown }[] }[]
    vpc_config: { endpoint_public_access: unknown; public_access_cidrs: string[] }[]
    enabled_cluster_log_types: string[]
  }
  template: {
    block_device_mappings: { ebs: { encrypted: unknown; kms_key_id: unknown }[] }[]
    metadata_options: { http_tokens: string; http_put_response_hop_limit: number }[]
  }
}

/** Every store encrypts with a key of ours. */
const encryptedAtRest = every({
  aws_db_instance: (db: Values['database']) =>
    isOn(db.storage_encrypted) && isKey(db.kms_key_id) && isKey(db.performance_insights_kms_key_id),
  aws_elasticache_replication_group: (cache: Values['cache']) =>
    isOn(cache.at_rest_encryption_enabled) && isKey(cache.kms_key_id),
  aws_msk_cluster: ({ encryption_info: [info] }: Values['kafka']) =>
    isKey(info?.encryption_at_rest_kms_key_arn),
  aws_eks_cluster: ({ encryption_config: [config] }: Values['cluster']) =>
    config?.resources.includes('secrets') === true && isKey(config.provider[0]?.key_arn),
  aws_launch_template: (template: Values['template']) =>
    template.block_device_mappings.every(({ ebs }) =>
      ebs.every((disk) => isOn(disk.encrypted) && isKey(disk.kms_key_id)),
    ),
  aws_secretsmanager_secret: ({ kms_key_id }: { kms_key_id: unknown }) => isKey(kms_key_id),
  aws_cloudwatch_log_group: ({ kms_key_id }: { kms_key_id: unknown }) => isKey(kms_key_id),
  aws_backup_vault: ({ kms_key_arn }: { kms_key_arn: unknown }) => isKey(kms_key_arn),
  aws_cloudtrail: ({ kms_key_id }: { kms_key_id: unknown }) => isKey(kms_key_id),
  aws_sns_topic: ({ kms_master_key_id }: { kms_master_key_id: unknown }) => Boolean(kms_master_key_id),
})

/** Clients cannot talk to a store in clear. */
const encryptedInTransit: Policy = (resources) => [
  ...every({
    aws_db_parameter_group: ({ parameter }: { parameter: { name: string; value: string }[] }) =>
      parameter.some(({ name, value }) => name === 'rds.force_ssl' && value === '1'),
    aws_elasticache_replication_group: (cache: Values['cache']) =>
      isOn(cache.transit_encryption_enabled) &&
      cache.transit_encryption_mode === 'required' &&
      Boolean(cache.auth_token),
    aws_msk_cluster: ({ encryption_info: [info] }: Values['kafka']) =>
      info?.encryption_in_transit.every(
        ({ client_broker, in_cluster }) => client_broker === 'TLS' && isOn(in_cluster),
      ) === true,
  })(resources),
  ...bucketsWithout(resources, 'aws_s3_bucket_policy', (policy) =>
    statementsOf(policy).some(
      ({ Effect, Condition }) =>
        Effect === 'Deny' && String(Condition?.Bool?.['aws:SecureTransport']) === 'false',
    ),
  ),
]

/** Buckets that no resource of a type protects as wanted. */
function bucketsWithout(
  resources: Resource[],
  type: string,
  holds: (resource: Resource) => boolean,
): string[] {
  const protectedBuckets = resources
    .filter((resource) => resource.type === type && holds(resource))
    .map(({ values }) => values.bucket)
  return resources
    .filter((resource) => resource.type === 'aws_s3_bucket' && !protectedBuckets.includes(resource.values.id))
    .map(({ address }) => `${address}: ${type}`)
}

/** Nothing that holds data has an address in the internet. */
const noPublicAccess: Policy = (resources) => [
  ...every({
    aws_db_instance: ({ publicly_accessible }: { publicly_accessible: unknown }) =>
      !isOn(publicly_accessible),
    aws_subnet: ({ map_public_ip_on_launch }: { map_public_ip_on_launch: unknown }) =>
      !isOn(map_public_ip_on_launch),
    aws_msk_cluster: ({ broker_node_group_info: [brokers] }: Values['kafka']) =>
      brokers?.connectivity_info.every(({ public_access }) =>
        public_access.every(({ type }) => type === 'DISABLED'),
      ) === true,
    aws_eks_cluster: ({ vpc_config: [config] }: Values['cluster']) =>
      !isOn(config?.endpoint_public_access) || !config?.public_access_cidrs.some((cidr) => /\/0$/.test(cidr)),
  })(resources),
  ...bucketsWithout(resources, 'aws_s3_bucket_public_access_block', ({ values }) =>
    ['block_public_acls', 'block_public_policy', 'ignore_public_acls', 'restrict_public_buckets'].every(
      (name) => isOn(values[name]),
    ),
  ),
]

/** Only the load balancer is reached from anywhere, and only at its two ports. */
const noOpenIngress: Policy = (resources) =>
  resources
    .filter(({ type, address, values }) => {
      if (type !== 'aws_vpc_security_group_ingress_rule') return false
      const open = [values.cidr_ipv4, values.cidr_ipv6].some(
        (cidr) => typeof cidr === 'string' && cidr.endsWith('/0'),
      )
      const door =
        address.includes('.alb_') &&
        [80, 443].includes(Number(values.from_port)) &&
        values.from_port === values.to_port
      return open && !door
    })
    .map(({ address }) => address)

/** The database cannot be deleted by mistake. */
const deletionProtection = every({
  aws_db_instance: (db: {
    deletion_protection: unknown
    skip_final_snapshot: unknown
    replicate_source_db: unknown
  }) => isOn(db.deletion_protection) && (!isOn(db.skip_final_snapshot) || Boolean(db.replicate_source_db)),
})

/** Thirty days of backups, as documented. */
const backupRetention = every({
  aws_db_instance: ({ backup_retention_period }: { backup_retention_period: number }) =>
    backup_retention_period >= 30,
  aws_elasticache_replication_group: ({ snapshot_retention_limit }: { snapshot_retention_limit: number }) =>
    snapshot_retention_limit >= 30,
})

/** Logs outlive the year that an investigation may look back. */
const logRetention = every({
  aws_cloudwatch_log_group: ({ retention_in_days }: { retention_in_days: number }) =>
    retention_in_days >= 365,
  aws_eks_cluster: ({ enabled_cluster_log_types }: Values['cluster']) =>
    enabled_cluster_log_types.length === 5,
  aws_flow_log: ({ traffic_type }: { traffic_type: string }) => traffic_type === 'ALL',
  aws_cloudtrail: (trail: { enable_log_file_validation: unknown; is_multi_region_trail: unknown }) =>
    isOn(trail.enable_log_file_validation) && isOn(trail.is_multi_region_trail),
})

const keyRotation = every({
  aws_kms_key: ({ enable_key_rotation }: { enable_key_rotation: unknown }) => isOn(enable_key_rotation),
})

/** Pods cannot take the node's credentials. */
const metadataService = every({
  aws_launch_template: ({ metadata_options: [options] }: Values['template']) =>
    options?.http_tokens === 'required' && options.http_put_response_hop_limit === 1,
})

/** Nobody may do everything, and a service not everything in its own field. */
const leastPrivilege: Policy = (resources) =>
  resources
    .filter(({ type }) => type === 'aws_iam_role_policy' || type === 'aws_iam_policy')
    .flatMap((resource) => {
      const wide = statementsOf(resource).filter(({ Effect, Action }) => {
        return (
          Effect === 'Allow' && words(Action).some((action) => action === '*' || /^[\w-]+:\*$/.test(action))
        )
      })
      return wide.map(({ Action }) => `${resource.address}: ${words(Action).join(', ')}`)
    })

/** No role of ours is an administrator, and none can be taken by everybody. */
const noAdministrators: Policy = (resources) => [
  ...resources
    .filter(
      ({ type, values }) =>
        type === 'aws_iam_role_policy_attachment' &&
        /\/(AdministratorAccess|PowerUserAccess|IAMFullAccess)$/.test(String(values.policy_arn)),
    )
    .map(({ address }) => address),
  ...resources
    .filter(({ type }) => type === 'aws_iam_role')
    .filter((role) =>
      statementsOf(role, 'assume_role_policy').some(({ Principal }) =>
        /^("\*"|\{"AWS":"\*"\})$/.test(JSON.stringify(Principal)),
      ),
    )
    .map(({ address }) => address),
]

/** Kafka knows who talks to it. */
const authentication = every({
  aws_msk_cluster: ({ client_authentication: [clients] }: Values['kafka']) =>
    !isOn(clients?.unauthenticated) && isOn(clients?.sasl[0]?.iam),
})

export const policies = {
  encryptedAtRest,
  encryptedInTransit,
  noPublicAccess,
  noOpenIngress,
  deletionProtection,
  backupRetention,
  logRetention,
  keyRotation,
  metadataService,
  leastPrivilege,
  noAdministrators,
  authentication,
} satisfies Record<string, Policy>
