import type { DBInstance } from '@aws-sdk/client-rds'
import type { AwsAccount, Environment } from '../../domain/environment.ts'
import { isWithin, platformName } from '../../domain/platform-name.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { withClient } from './client.ts'

/** Host names that RDS gives, also in China. */
const ENDPOINT = /\.rds\.amazonaws\.com(\.cn)?$/

export interface DatabaseInstance {
  id: string
  /** `available`, `modifying`, `storage-full` and others, as RDS names them; `missing` for one that does not exist. */
  status: string
  /** Undefined where it does not listen yet. */
  place?: InstancePlace
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

/**
 * RDS DescribeDBInstances, those of an environment: the instance that it names, with its replicas; else that of its host;
 * else all that have its name.
 */
export async function databaseInstances(
  account: AwsAccount,
  environment: Pick<Environment, 'name' | 'database'>,
  abortSignal: AbortSignal,
): Promise<DatabaseInstance[]> {
  const { paginateDescribeDBInstances, RDSClient } = await import('@aws-sdk/client-rds')
  return withClient(RDSClient, account, 'read the RDS instances', async (client) => {
    const all: DBInstance[] = []
    for await (const { DBInstances = [] } of paginateDescribeDBInstances({ client }, {}, { abortSignal }))
      all.push(...DBInstances)
    const named = environment.database?.instance?.toLowerCase()
    const found = all.filter((instance) => isOf(environment, instance)).map(instanceOf)
    const isMissing = named !== undefined && found.every(({ id }) => id !== named)
    return isMissing ? [{ id: named, status: 'missing' }, ...found] : found
  })
}

/**
 * The same, where it is known which they are.
 * @throws {EmrError} DATABASE_UNKNOWN (exit 4) where none is found: nothing says then that the database is well
 */
export async function knownDatabases(
  account: AwsAccount,
  environment: Pick<Environment, 'name' | 'database'>,
  abortSignal: AbortSignal,
): Promise<DatabaseInstance[]> {
  const { name, database } = environment
  const host = database?.host
  const found = await databaseInstances(account, environment, abortSignal)
  // A server of somebody else is not for RDS to judge.
  if (found.length > 0 || (host !== undefined && !ENDPOINT.test(host))) return found
  const sought = host === undefined ? `is called ${platformName(name)}-…` : `listens at ${host}`
  const setting = `environments.${name}.database.instance`
  throw new EmrError(
    `No RDS instance in ${account.region} of ${account.accountId} ${sought}; set ${setting}`,
    {
      code: 'DATABASE_UNKNOWN',
      exitCode: ExitCode.preflight,
      suggestions: ['aws rds describe-db-instances', `${setting} in emr.config.yaml`],
    },
  )
}

function isOf({ name, database }: Pick<Environment, 'name' | 'database'>, instance: DBInstance): boolean {
  const { DBInstanceIdentifier: id = '', ReadReplicaSourceDBInstanceIdentifier: source, Endpoint } = instance
  const named = database?.instance?.toLowerCase()
  if (named !== undefined) return id === named || source === named
  const host = database?.host
  return host !== undefined && ENDPOINT.test(host)
    ? Endpoint?.Address === host
    : isWithin(id, platformName(name))
}

function instanceOf(instance: DBInstance): DatabaseInstance {
  const { DBInstanceIdentifier: id = '', DBInstanceStatus: status = '', Endpoint, DBSubnetGroup } = instance
  const { VpcId: vpc, Subnets = [] } = DBSubnetGroup ?? {}
  if (Endpoint?.Port === undefined || vpc === undefined) return { id, status }
  const place = {
    id,
    port: Endpoint.Port,
    vpc,
    public: instance.PubliclyAccessible === true,
    subnets: Subnets.flatMap(({ SubnetIdentifier }) => SubnetIdentifier ?? []),
    groups: (instance.VpcSecurityGroups ?? []).flatMap(({ VpcSecurityGroupId }) => VpcSecurityGroupId ?? []),
  }
  return { id, status, place }
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
