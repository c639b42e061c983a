import type { DBInstance } from '@aws-sdk/client-rds'
import type { AwsAccount } from '../../domain/environment.ts'
import { withClient } from './client.ts'

export interface DatabaseInstance {
  id: string
  /** `available`, `modifying`, `storage-full` and others, as RDS names them. */
  status: string
}

/** Where an instance listens, and the security groups that guard it. */
export interface InstancePlace {
  id: string
  port: number
  vpc: string
  public: boolean
  subnets: string[]
  groups: string[]
}

/** RDS DescribeDBInstances, those whose identifier begins with the prefix. */
export async function databaseInstances(
  account: AwsAccount,
  prefix: string,
  abortSignal: AbortSignal,
): Promise<DatabaseInstance[]> {
  const found = await instances(account, prefix, abortSignal)
  return found.map(({ DBInstanceIdentifier: id = '', DBInstanceStatus: status = '' }) => ({ id, status }))
}

/** The same instances by where they are; without those that do not listen yet. */
export async function instancePlaces(
  account: AwsAccount,
  prefix: string,
  abortSignal: AbortSignal,
): Promise<InstancePlace[]> {
  const found = await instances(account, prefix, abortSignal)
  return found.flatMap(
    ({
      DBInstanceIdentifier: id = '',
      Endpoint,
      DBSubnetGroup,
      PubliclyAccessible,
      VpcSecurityGroups = [],
    }) => {
      const { VpcId: vpc, Subnets = [] } = DBSubnetGroup ?? {}
      if (Endpoint?.Port === undefined || vpc === undefined) return []
      const subnets = Subnets.flatMap(({ SubnetIdentifier }) => SubnetIdentifier ?? [])
      const groups = VpcSecurityGroups.flatMap(({ VpcSecurityGroupId }) => VpcSecurityGroupId ?? [])
      return [{ id, port: Endpoint.Port, vpc, public: PubliclyAccessible === true, subnets, groups }]
    },
  )
}

async function instances(
  account: AwsAccount,
  prefix: string,
  abortSignal: AbortSignal,
): Promise<DBInstance[]> {
  const { paginateDescribeDBInstances, RDSClient } = await import('@aws-sdk/client-rds')
  return withClient(RDSClient, account, 'read the RDS instances', async (client) => {
    const found: DBInstance[] = []
    for await (const { DBInstances = [] } of paginateDescribeDBInstances({ client }, {}, { abortSignal })) {
      found.push(...DBInstances.filter(({ DBInstanceIdentifier: id }) => id?.startsWith(prefix)))
    }
    return found
  })
}

/** RDS DescribeDBSnapshots: when the newest available snapshot of an instance was made, epoch milliseconds. */
export async function newestSnapshot(
  account: AwsAccount,
  instance: string,
  abortSignal: AbortSignal,
): Promise<number | undefined> {
  const { paginateDescribeDBSnapshots, RDSClient } = await import('@aws-sdk/client-rds')
  return withClient(RDSClient, account, `read the snapshots of ${instance}`, async (client) => {
    const times: number[] = []
    const query = { DBInstanceIdentifier: instance }
    for await (const page of paginateDescribeDBSnapshots({ client }, query, { abortSignal })) {
      for (const { Status, SnapshotCreateTime } of page.DBSnapshots ?? []) {
        if (Status === 'available' && SnapshotCreateTime) times.push(SnapshotCreateTime.getTime())
      }
    }
    return times.length === 0 ? undefined : Math.max(...times)
  })
}
