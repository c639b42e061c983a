import type { policies } from './policies.ts'

/** A mistake in the first resource of a type: the value at a path becomes another. */
export interface Mutation {
  type: string
  path: (string | number)[]
  value: unknown
}

const mistake = (type: string, path: string, value: unknown): Mutation => ({
  type,
  path: path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
  value,
})

const allow = (part: object) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Resource: '*', ...part }] })

/** For each policy the mistakes that it is there for. */
export const mutations: Record<keyof typeof policies, Mutation[]> = {
  encryptedAtRest: [
    mistake('aws_db_instance', 'storage_encrypted', false),
    mistake('aws_db_instance', 'kms_key_id', null),
    mistake('aws_elasticache_replication_group', 'at_rest_encryption_enabled', 'false'),
    mistake('aws_msk_cluster', 'encryption_info.0.encryption_at_rest_kms_key_arn', null),
    mistake('aws_eks_cluster', 'encryption_config', []),
    mistake('aws_launch_template', 'block_device_mappings.0.ebs.0.encrypted', 'false'),
    mistake('aws_secretsmanager_secret', 'kms_key_id', null),
    mistake('aws_cloudwatch_log_group', 'kms_key_id', ''),
    mistake('aws_backup_vault', 'kms_key_arn', null),
    mistake('aws_cloudtrail', 'kms_key_id', null),
    mistake('aws_sns_topic', 'kms_master_key_id', null),
  ],
  encryptedInTransit: [
    mistake('aws_db_parameter_group', 'parameter', [{ name: 'rds.force_ssl', value: '0' }]),
    mistake('aws_elasticache_replication_group', 'transit_encryption_mode', 'preferred'),
    mistake('aws_elasticache_replication_group', 'auth_token', null),
    mistake('aws_msk_cluster', 'encryption_info.0.encryption_in_transit.0.client_broker', 'TLS_PLAINTEXT'),
    mistake('aws_s3_bucket_policy', 'policy', allow({ Action: 's3:GetObject' })),
  ],
  noPublicAccess: [
    mistake('aws_db_instance', 'publicly_accessible', true),
    mistake('aws_subnet', 'map_public_ip_on_launch', true),
    mistake(
      'aws_msk_cluster',
      'broker_node_group_info.0.connectivity_info.0.public_access.0.type',
      'SERVICE_PROVIDED_EIPS',
    ),
    mistake('aws_eks_cluster', 'vpc_config.0', {
      endpoint_public_access: true,
      public_access_cidrs: ['0.0.0.0/0'],
    }),
    mistake('aws_s3_bucket_public_access_block', 'block_public_policy', false),
  ],
  noOpenIngress: [
    mistake('aws_vpc_security_group_ingress_rule', 'from_port', 0),
    mistake('aws_vpc_security_group_ingress_rule', 'to_port', 65_535),
  ],
  deletionProtection: [
    mistake('aws_db_instance', 'deletion_protection', false),
    mistake('aws_db_instance', 'skip_final_snapshot', true),
  ],
  backupRetention: [
    mistake('aws_db_instance', 'backup_retention_period', 29),
    mistake('aws_elasticache_replication_group', 'snapshot_retention_limit', 7),
  ],
  logRetention: [
    mistake('aws_cloudwatch_log_group', 'retention_in_days', 30),
    mistake('aws_eks_cluster', 'enabled_cluster_log_types', ['api']),
    mistake('aws_flow_log', 'traffic_type', 'REJECT'),
    mistake('aws_cloudtrail', 'enable_log_file_validation', false),
    mistake('aws_cloudtrail', 'is_multi_region_trail', false),
  ],
  keyRotation: [mistake('aws_kms_key', 'enable_key_rotation', false)],
  metadataService: [
    mistake('aws_launch_template', 'metadata_options.0.http_tokens', 'optional'),
    mistake('aws_launch_template', 'metadata_options.0.http_put_response_hop_limit', 2),
  ],
  leastPrivilege: [
    mistake('aws_iam_role_policy', 'policy', allow({ Action: '*' })),
    mistake('aws_iam_role_policy', 'policy', allow({ Action: ['s3:GetObject', 's3:*'] })),
  ],
  noAdministrators: [
    mistake('aws_iam_role_policy_attachment', 'policy_arn', 'arn:aws:iam::aws:policy/AdministratorAccess'),
    mistake('aws_iam_role', 'assume_role_policy', allow({ Action: 'sts:AssumeRole', Principal: '*' })),
    mistake(
      'aws_iam_role',
      'assume_role_policy',
      allow({ Action: 'sts:AssumeRole', Principal: { AWS: '*' } }),
    ),
  ],
  authentication: [
    mistake('aws_msk_cluster', 'client_authentication.0.unauthenticated', true),
    mistake('aws_msk_cluster', 'client_authentication.0.sasl.0.iam', false),
  ],
}
