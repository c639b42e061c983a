import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { ResourceChange } from '../../../src/lib/domain/terraform/plan.ts'
import { countActions, groupChanges } from '../../../src/lib/domain/terraform/summary.ts'
import { infrastructurePlanView } from '../../../src/lib/output/infrastructure-view.ts'
import { stdoutTheme } from '../../../src/lib/output/theme.ts'
import type { InfrastructurePlan } from '../../../src/lib/workflows/infrastructure/types.ts'

function view(changes: ResourceChange[], part: Partial<InfrastructurePlan> = {}): string {
  const plan: InfrastructurePlan = {
    environment: 'production',
    workspace: 'production',
    mode: 'apply',
    fingerprint: '3f9c51d20a7e',
    applicable: changes.length > 0,
    counts: countActions(changes),
    groups: groupChanges(changes),
    changes,
    outputChanges: [],
    drift: [],
    deletionProtected: [],
    databases: [],
    checks: [],
    warnings: [],
    ...part,
  }
  return stripVTControlCharacters(infrastructurePlanView(plan, stdoutTheme))
}

const change = (action: ResourceChange['action'], address: string): ResourceChange => ({
  action,
  address,
  type: address.split('.')[0] ?? '',
  reasons: [],
  fields: [],
})

describe('the view of a plan', () => {
  test('tells what AWS would refuse and what it did not tell, and nothing of what is well', () => {
    const text = view([change('create', 'aws_eks_cluster.main')], {
      checks: [
        { id: 'version.eks', status: 'problem', detail: 'no 1.28', fix: 'set eks_version = "1.33"' },
        { id: 'version.rds', status: 'good', detail: '15.13 can be created' },
        { id: 'quota.vpcs', status: 'unknown', detail: 'access denied' },
      ],
    })
    expect(text).toContain('✖ no 1.28\n      → set eks_version = "1.33"\n')
    expect(text).toContain('not evaluated: access denied')
    expect(text).not.toContain('15.13')
    expect(text).toMatch(/1 to create\. A deploy refuses it until that is fixed\.$/)
  })

  test('of 180 resources fits on a screen and names what is lost', () => {
    const types = [
      'aws_subnet',
      'aws_iam_role',
      'aws_s3_bucket',
      'aws_kms_key',
      'aws_eks_addon',
      'aws_cloudwatch_metric_alarm',
    ]
    const many = Array.from({ length: 130 }, (_, index) => change('create', `${types[index % 6]}.r${index}`))
    const touched = Array.from({ length: 49 }, (_, index) => change('update', `aws_iam_role.u${index}`))
    const text = view([...many, ...touched, change('delete', 'aws_db_instance.main')], {
      warnings: Array.from({ length: 9 }, (_, index) => `Version ${index} is old. Set another.`),
      drift: [change('delete', 'aws_sns_topic.a')],
    })
    const lines = text.split('\n')
    expect(lines.length).toBeLessThanOrEqual(40)
    expect(lines[1]).toMatch(/- delete +aws_db_instance\.main/)
    expect(text).toContain('… and 34 more (--json has them all)')
    expect(lines.at(-1)).toBe('1 to delete, 49 to update, 130 to create.')
  })
  test('of an update shows the first values, shortened', () => {
    const fields = [
      { attribute: 'engine_version', before: '15.4', after: '15.13' },
      { attribute: 'policy', before: 'x'.repeat(500), after: '(known after apply)' },
      { attribute: 'port', before: 1, after: 2 },
    ]
    const text = view([
      {
        ...change('update', 'aws_db_instance.main'),
        fields,
        reasons: ['engine_version interrupts connections'],
      },
    ])
    expect(text).toContain(
      '~ update  aws_db_instance.main  engine_version interrupts connections  engine_version "15.4" → "15.13", policy "xxxx',
    )
    expect(text).toContain('… → (known after apply), 1 more')
  })
  test.each([
    ['apply', 'Nothing to change.'],
    ['refresh-only', 'Nothing was changed outside Terraform.'],
  ] as const)('of no change, %s', (mode, text) => {
    expect(view([], { mode }).split('\n').at(-1)).toBe(text)
  })
})
