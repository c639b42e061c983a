import type { ResourceChange } from './plan.ts'

/** What holds data or keys that no apply brings back, or whose loss takes everything on it along. */
const STATEFUL = new Set([
  'aws_backup_vault',
  'aws_db_instance',
  'aws_dynamodb_table',
  'aws_ebs_volume',
  'aws_eks_cluster',
  'aws_elasticache_replication_group',
  'aws_kms_key',
  'aws_msk_cluster',
  'aws_rds_cluster',
  'aws_s3_bucket',
])

/** The changes that take away what no apply brings back. */
export function losses(changes: readonly ResourceChange[]): ResourceChange[] {
  return changes.filter(
    ({ type, action }) => STATEFUL.has(type) && (action === 'delete' || action === 'replace'),
  )
}

/** The losses that nobody has named. @param allowed exact addresses */
export function unnamedLosses(
  changes: readonly ResourceChange[],
  allowed: readonly string[],
): ResourceChange[] {
  return losses(changes).filter(({ address }) => !allowed.includes(address))
}
