import type { AwsAccount } from '../../domain/environment.ts'
import { clientConfig } from './account.ts'
import { awsError } from './errors.ts'

export interface DatabaseInstance {
  id: string
  /** `available`, `modifying`, `storage-full` and others, as RDS names them. */
  status: string
}

/** RDS DescribeDBInstances, those whose identifier begins with the prefix. */
export async function databaseInstances(
  account: AwsAccount,
  prefix: string,
  abortSignal: AbortSignal,
): Promise<DatabaseInstance[]> {
  const { paginateDescribeDBInstances, RDSClient } = await import('@aws-sdk/client-rds')
  const client = new RDSClient(clientConfig(account))
  const found: DatabaseInstance[] = []
  try {
    for await (const page of paginateDescribeDBInstances({ client }, {}, { abortSignal })) {
      for (const { DBInstanceIdentifier: id = '', DBInstanceStatus: status = '' } of page.DBInstances ?? []) {
        if (id.startsWith(prefix)) found.push({ id, status })
      }
    }
    return found
  } catch (error) {
    throw awsError(error, 'read the RDS instances', account.profile)
  } finally {
    client.destroy()
  }
}

/** RDS DescribeDBSnapshots: when the newest available snapshot of an instance was made, epoch milliseconds. */
export async function newestSnapshot(
  account: AwsAccount,
  instance: string,
  abortSignal: AbortSignal,
): Promise<number | undefined> {
  const { paginateDescribeDBSnapshots, RDSClient } = await import('@aws-sdk/client-rds')
  const client = new RDSClient(clientConfig(account))
  const times: number[] = []
  try {
    const query = { DBInstanceIdentifier: instance }
    for await (const page of paginateDescribeDBSnapshots({ client }, query, { abortSignal })) {
      for (const { Status, SnapshotCreateTime } of page.DBSnapshots ?? []) {
        if (Status === 'available' && SnapshotCreateTime) times.push(SnapshotCreateTime.getTime())
      }
    }
    return times.length === 0 ? undefined : Math.max(...times)
  } catch (error) {
    throw awsError(error, `read the snapshots of ${instance}`, account.profile)
  } finally {
    client.destroy()
  }
}
