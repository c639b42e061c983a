import { describe, expect, test } from 'vitest'
import { losses, unnamedLosses } from '../../../../src/lib/domain/terraform/guard.ts'
import {
  classify,
  classifyDrift,
  classifyOutputs,
  type PlannedOutput,
  type PlannedResource,
  planText,
} from '../../../../src/lib/domain/terraform/plan.ts'
import { countActions, groupChanges } from '../../../../src/lib/domain/terraform/summary.ts'
import { plannedResource } from '../../../support/planned-resource.ts'

function resource(part: Partial<PlannedResource> = {}): PlannedResource {
  return plannedResource('aws_db_instance', { actions: ['update'], ...part })
}

describe('a planned resource is classified', () => {
  test.each([
    [['no-op'], undefined],
    [['read'], undefined],
    [['create'], 'create'],
    [['update'], 'update'],
    [['delete'], 'delete'],
    [['delete', 'create'], 'replace'],
    [['create', 'delete'], 'replace'],
    [['create', 'forget'], 'replace'],
    [['forget'], 'forget'],
  ])('%j as %s', (actions, action) => {
    expect(classify([resource({ actions })])[0]?.action).toBe(action)
  })
  test.each([
    ['a move', { previousAddress: 'aws_db_instance.old' }, 'move', 'moved from aws_db_instance.old'],
    ['an import', { importId: 'db-1' }, 'import', 'imported by db-1'],
  ])('%s alone is one, and with a change of values an update that says so', (_, part, action, reason) => {
    expect(classify([resource({ actions: ['no-op'], ...part })])[0]).toMatchObject({
      action,
      reasons: [reason],
    })
    expect(classify([resource(part)])[0]).toMatchObject({ action: 'update', reasons: [reason] })
  })
  test('a replacement names the attribute that cannot be changed in place', () => {
    const [change] = classify([
      resource({
        actions: ['delete', 'create'],
        before: { username: 'a', arn: 'arn:1', port: 5432 },
        after: { username: 'b', port: 5433, custom: null },
        unknown: { arn: true },
        replacePaths: [['username']],
      }),
    ])
    expect(change?.reasons).toEqual(['username cannot be changed in place'])
    expect(change?.fields.map(({ attribute }) => attribute)).toEqual(['port', 'username'])
  })
  test('a deletion says why', () => {
    const [change] = classify([resource({ actions: ['delete'], reason: 'delete_because_each_key' })])
    expect(change?.reasons).toEqual(['its key is no longer in for_each'])
  })
  test('an update that restarts the database says so; another does not', () => {
    const [restart] = classify([
      resource({ before: { engine_version: '15.4' }, after: { engine_version: '15.13' } }),
    ])
    expect(restart?.reasons).toEqual(['engine_version interrupts connections'])
    const [tags] = classify([resource({ before: { tags: { a: '1' } }, after: { tags: { a: '2' } } })])
    expect(tags?.reasons).toEqual([])
  })
})

describe('the fields of a change', () => {
  test('hide what is sensitive, also inside of objects, and name what is not yet known', () => {
    const [change] = classify([
      resource({
        before: { password: 'old', settings: { token: 'x', size: 1 }, endpoint: 'a' },
        after: { password: 'new', settings: { token: 'y', size: 2 } },
        unknown: { endpoint: true },
        sensitive: {
          before: { password: true, settings: { token: true } },
          after: { password: true, settings: { token: true } },
        },
      }),
    ])
    expect(change?.fields).toEqual([
      { attribute: 'endpoint', before: 'a', after: '(known after apply)' },
      { attribute: 'password', before: '(sensitive)', after: '(sensitive)' },
      {
        attribute: 'settings',
        before: { token: '(sensitive)', size: 1 },
        after: { token: '(sensitive)', size: 2 },
      },
    ])
  })
  test('of drift leave out empty lists and clocks; a real change stays', () => {
    const noise = {
      before: { tags: null, latest_restorable_time: '1' },
      after: { tags: {}, latest_restorable_time: '2' },
    }
    expect(classifyDrift([resource(noise)])).toEqual([])
    expect(classifyDrift([resource({ before: { port: 1 }, after: { port: 2 } })])).toHaveLength(1)
    expect(classifyDrift([resource({ actions: ['delete'] })])).toHaveLength(1)
  })
})

describe('the text behind the fingerprint', () => {
  const bucket = resource({
    address: 'aws_s3_bucket.a',
    actions: ['create'],
    after: { bucket: 'a', tags: { x: '1', y: '2' } },
  })
  const secret = (value: string) =>
    resource({
      actions: ['create'],
      after: { password: value },
      sensitive: { before: {}, after: { password: true } },
    })

  test('is the same for any order of resources and keys, and for secrets drawn anew', () => {
    const turned = { ...bucket, after: { tags: { y: '2', x: '1' }, bucket: 'a' } }
    expect(planText([bucket, secret('one')])).toBe(planText([secret('two'), turned]))
    expect(planText([secret('one')])).not.toContain('one')
  })
  test.each([
    ['value', { after: { bucket: 'b' } }],
    ['address', { address: 'aws_s3_bucket.b' }],
    ['action', { actions: ['delete', 'create'] }],
    ['reason for a replacement', { replacePaths: [['bucket']] }],
    ['address before a move', { previousAddress: 'aws_s3_bucket.old' }],
    ['what is imported', { importId: 'b' }],
    ['deposed object', { deposed: '0f1e' }],
  ])('differs by %s', (_, part) => {
    expect(planText([{ ...bucket, ...part }])).not.toBe(planText([bucket]))
  })
  test('differs by an output, and not by the value of a secret one', () => {
    const output = (after: string, sensitive: boolean): PlannedOutput => ({
      ...{ name: 'o', action: 'update', before: 'a', after, unknown: false },
      sensitive: { before: sensitive, after: sensitive },
    })
    expect(planText([bucket], [output('b', false)])).not.toBe(planText([bucket]))
    expect(planText([bucket], [output('b', false)])).not.toBe(planText([bucket], [output('c', false)]))
    expect(planText([], [output('b', true)])).toBe(planText([], [output('c', true)]))
    expect(classifyOutputs([output('b', true)])).toEqual([
      { name: 'o', action: 'update', before: '(sensitive)', after: '(sensitive)' },
    ])
  })
  test('leaves out what the plan leaves alone', () => {
    expect(planText([bucket, resource({ actions: ['no-op'] })])).toBe(planText([bucket]))
  })
})

describe('the guard', () => {
  const typed = (type: string, ...actions: string[]) => resource({ address: `${type}.main`, type, actions })
  test.each([
    'aws_db_instance',
    'aws_elasticache_replication_group',
    'aws_msk_cluster',
    'aws_kms_key',
    'aws_s3_bucket',
    'aws_ebs_volume',
    'aws_eks_cluster',
  ])('%s may be created and updated, not deleted or replaced', (type) => {
    const lost = (...actions: string[]) => losses(classify([typed(type, ...actions)])).length
    expect([lost('create'), lost('update'), lost('delete'), lost('create', 'delete')]).toEqual([0, 0, 1, 1])
  })
  test('lets go what is named, by its exact address', () => {
    const changes = classify([typed('aws_s3_bucket', 'delete'), typed('aws_kms_key', 'delete')])
    expect(unnamedLosses(changes, ['aws_s3_bucket.main']).map(({ address }) => address)).toEqual([
      'aws_kms_key.main',
    ])
    expect(unnamedLosses(changes, ['aws_s3_bucket', 'aws_kms_key.*'])).toHaveLength(2)
  })
  test('does not care about what holds nothing', () => {
    expect(losses(classify([typed('aws_sns_topic', 'delete')]))).toEqual([])
  })
})

test('changes are counted, and grouped by concern with the largest first', () => {
  const create = (type: string, name: string) =>
    resource({ address: `${type}.${name}`, type, actions: ['create'] })
  const changes = classify([
    create('aws_vpc', 'a'),
    create('aws_iam_role', 'a'),
    create('aws_iam_role_policy', 'a'),
    create('aws_vpc_security_group_ingress_rule', 'a'),
    create('terraform_data', 'a'),
    resource({ actions: ['delete'] }),
  ])
  expect(countActions(changes)).toEqual({
    create: 5,
    update: 0,
    replace: 0,
    delete: 1,
    forget: 0,
    import: 0,
    move: 0,
  })
  expect(groupChanges(changes).map(({ name, counts }) => [name, counts.create, counts.delete])).toEqual([
    ['identities', 2, 0],
    ['network', 1, 0],
    ['security groups', 1, 0],
    ['other', 1, 0],
    ['database', 0, 1],
  ])
})
