import { describe, expect, test } from 'vitest'
import { quotaDemand, versionDemands } from '../../../../src/lib/domain/terraform/demands.ts'
import { checkQuota, checkVersion, demandedQuotas } from '../../../../src/lib/domain/terraform/offers.ts'
import { plannedResource } from '../../../support/planned-resource.ts'

const nodes = (type: string, desired: number, most: number) =>
  plannedResource('aws_eks_node_group', {
    after: { instance_types: [type], scaling_config: [{ desired_size: desired, max_size: most }] },
  })

describe('the versions that a plan asks for', () => {
  test('are those of what is made, and of what changes its version', () => {
    const cluster = plannedResource('aws_eks_cluster', {
      actions: ['update'],
      before: { version: '1.32' },
      after: { version: '1.33' },
    })
    const kafka = plannedResource('aws_msk_cluster', { after: { kafka_version: '3.8.x' } })
    expect(versionDemands([cluster, kafka, plannedResource('aws_s3_bucket')])).toEqual([
      { service: 'eks', version: '1.33', address: 'aws_eks_cluster.main', variable: 'eks_version' },
      { service: 'msk', version: '3.8.x', address: 'aws_msk_cluster.main', variable: 'msk_kafka_version' },
    ])
  })
  test('are none where the version stays, or is known only to AWS', () => {
    const kept = { before: { engine_version: '15.4' }, after: { engine_version: '15.4' } }
    const database = plannedResource('aws_db_instance', { actions: ['update'], ...kept })
    const replica = plannedResource('aws_db_instance', { unknown: { engine_version: true } })
    expect(versionDemands([database, replica])).toEqual([])
  })
})

describe('a version', () => {
  const demand = (version: string, service: 'eks' | 'rds' | 'msk' = 'rds') => ({
    service,
    version,
    address: 'a.b',
    variable: `${service}_version`,
  })
  const offered = ['14.18', '15.9', '15.13', '16.9'].map((version) => ({ version }))

  test('that AWS creates is good', () => {
    expect(checkVersion(demand('15.13'), offered).status).toBe('good')
    expect(checkVersion(demand('15'), offered).status).toBe('good')
  })
  test('that it does not create is a problem that names the variable and the newest of the same series', () => {
    expect(checkVersion(demand('15.4'), offered)).toEqual({
      id: 'version.rds',
      status: 'problem',
      detail: 'RDS for PostgreSQL 15.4 cannot be created (a.b); AWS creates 15.9, 15.13',
      fix: 'set rds_version = "15.13" in the variable file',
    })
  })
  test('is not another one that only begins like it', () => {
    expect(checkVersion(demand('15.1'), offered).status).toBe('problem')
  })
  test('where AWS has a default, that is the one to take; a flavour is kept', () => {
    const eks = [{ version: '1.33', isDefault: true }, { version: '1.34' }]
    expect(checkVersion(demand('1.28', 'eks'), eks).fix).toContain('"1.33"')
    const kafka = ['3.8.x', '3.9.x.kraft'].map((version) => ({ version }))
    expect(checkVersion(demand('3.5.1', 'msk'), kafka).fix).toContain('"3.8.x"')
  })
  test('of a series that is gone altogether has no replacement to name', () => {
    expect(checkVersion(demand('13.1'), offered)).toMatchObject({
      detail: 'RDS for PostgreSQL 13.1 cannot be created (a.b); AWS creates no version 13',
      fix: undefined,
    })
  })
})

describe('a quota', () => {
  const demand = quotaDemand([
    plannedResource('aws_vpc'),
    ...[1, 2, 3].map(() => plannedResource('aws_eip')),
    plannedResource('aws_eip', { actions: ['delete'] }),
    nodes('m6i.xlarge', 2, 6),
    nodes('m6i.2xlarge', 0, 4),
    nodes('m6i.large', 0, 1),
  ])

  test('is taken by what is made', () => {
    expect(demand).toEqual({ vpcs: 1, elasticIps: 3, vcpus: { least: 8, most: 58 } })
    expect(demandedQuotas(demand)).toEqual(['vpcs', 'elasticIps', 'vcpus'])
    expect(demandedQuotas(quotaDemand([plannedResource('aws_eip')]))).toEqual(['elasticIps'])
  })
  test('is enough, or not for all that may come, or not at all; then it tells how to raise it', () => {
    expect(checkQuota('vcpus', demand, { limit: 64, used: 0 }).status).toBe('good')
    expect(checkQuota('vcpus', demand, { limit: 32, used: 0 })).toMatchObject({
      status: 'warning',
      detail: 'vCPUs of on-demand standard instances: 0 of 32 in use, the node groups may grow to 58',
      fix: expect.stringContaining('--quota-code L-1216C47A --desired-value 58'),
    })
    expect(checkQuota('elasticIps', demand, { limit: 5, used: 3 })).toEqual({
      id: 'quota.elasticIps',
      status: 'problem',
      detail: 'Elastic IPs: 3 of 5 in use, the plan takes 3',
      fix: 'aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-0263D0A3 --desired-value 6',
    })
    expect(checkQuota('elasticIps', demand, { limit: 6, used: 3 }).status).toBe('good')
  })
})
