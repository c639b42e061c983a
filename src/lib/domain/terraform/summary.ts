import type { ResourceAction, ResourceChange } from './plan.ts'

export type Counts = Record<ResourceAction, number>

export interface PlanGroup {
  /** What the resources are for, as in `network` or `database`. */
  name: string
  counts: Counts
}

/** First match wins: resource types by the concern that they belong to. */
const GROUPS: readonly [name: string, type: RegExp][] = [
  ['security groups', /^aws_(default_)?(vpc_)?security_group/],
  ['network', /^aws_(default_)?(vpc|subnet|route|nat|eip$|internet_gateway|network_acl|flow_log)/],
  ['Kubernetes', /^aws_(eks|launch_template|autoscaling|iam_openid)/],
  ['database', /^aws_(db|rds)_/],
  ['Redis', /^aws_elasticache_/],
  ['Kafka', /^aws_(msk|appautoscaling)_/],
  ['encryption keys', /^aws_kms_/],
  ['secrets', /^aws_secretsmanager_/],
  ['identities', /^aws_iam_/],
  ['buckets', /^aws_s3_/],
  ['monitoring', /^aws_(cloudwatch|sns)_/],
  ['audit and backup', /^aws_(cloudtrail|backup|guardduty|securityhub|config)/],
]

/** How many resources get each action. */
export function countActions(changes: readonly ResourceChange[]): Counts {
  const counts: Counts = { create: 0, update: 0, replace: 0, delete: 0, forget: 0, import: 0, move: 0 }
  for (const { action } of changes) counts[action] += 1
  return counts
}

/** The changes by concern, the largest first. */
export function groupChanges(changes: readonly ResourceChange[]): PlanGroup[] {
  const groups = Map.groupBy(
    changes,
    ({ type }) => GROUPS.find(([, pattern]) => pattern.test(type))?.[0] ?? 'other',
  )
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([name, members]) => ({ name, counts: countActions(members) }))
}
