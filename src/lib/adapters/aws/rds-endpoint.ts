import type { DBInstance } from '@aws-sdk/client-rds'
import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { withClient } from './client.ts'

/** Where one instance listens. @throws {EmrError} INSTANCE_NOT_FOUND (exit 4) */
export async function instanceEndpoint(
  account: AwsAccount,
  id: string,
  abortSignal: AbortSignal,
): Promise<{ host: string; port: number }> {
  const { Endpoint } = await describeInstance(account, id, abortSignal)
  const { Address: host, Port: port } = Endpoint ?? {}
  if (host !== undefined && port !== undefined) return { host, port }
  throw instanceMissing(account, id, 'has no endpoint yet')
}

/** DbiResourceId, which no other instance ever has. @throws {EmrError} INSTANCE_NOT_FOUND (exit 4) */
export async function instanceResourceId(
  account: AwsAccount,
  id: string,
  abortSignal: AbortSignal,
): Promise<string | undefined> {
  return (await describeInstance(account, id, abortSignal)).DbiResourceId
}

async function describeInstance(
  account: AwsAccount,
  id: string,
  abortSignal: AbortSignal,
): Promise<DBInstance> {
  const { DescribeDBInstancesCommand, RDSClient } = await import('@aws-sdk/client-rds')
  return withClient(RDSClient, account, `read the RDS instance ${id}`, async (client) => {
    const { DBInstances } = await client
      .send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }), { abortSignal })
      .catch((error: Error) => {
        throw error.name.startsWith('DBInstanceNotFound')
          ? instanceMissing(account, id, 'does not exist')
          : error
      })
    const [instance] = DBInstances ?? []
    if (instance) return instance
    throw instanceMissing(account, id, 'does not exist')
  })
}

export function instanceMissing({ region, accountId }: AwsAccount, id: string, why: string): EmrError {
  return new EmrError(`The RDS instance ${id} ${why} in ${region} of ${accountId}`, {
    code: 'INSTANCE_NOT_FOUND',
    exitCode: ExitCode.preflight,
    suggestions: ['aws rds describe-db-instances'],
  })
}
