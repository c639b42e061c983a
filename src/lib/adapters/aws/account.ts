import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { withClient } from './client.ts'

export interface Identity {
  accountId: string
  /** Who acts: the ARN of the user or of the role session. */
  arn: string
  /** When the credentials end, epoch milliseconds; undefined for ones that do not. */
  expiresAt: number | undefined
}

/** STS GetCallerIdentity. @throws {EmrError} when there are no credentials, or AWS refuses them (exit 4) */
export async function callerIdentity(account: AwsAccount, abortSignal: AbortSignal): Promise<Identity> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  return withClient(STSClient, account, 'ask who the credentials belong to', async (client) => {
    const { expiration } = await client.config.credentials()
    const { Account = '', Arn = '' } = await client.send(new GetCallerIdentityCommand({}), { abortSignal })
    return { accountId: Account, arn: Arn, expiresAt: expiration?.getTime() }
  })
}

/** @throws {EmrError} WRONG_ACCOUNT (exit 4) */
export function assertAccount(identity: Identity, account: AwsAccount, environment: string): void {
  if (identity.accountId === account.accountId) return
  throw new EmrError(
    `The credentials belong to account ${identity.accountId}, but ${environment} is in ${account.accountId}`,
    {
      code: 'WRONG_ACCOUNT',
      exitCode: ExitCode.preflight,
      suggestions: ['export AWS_PROFILE=…', `or set environments.${environment}.aws.profile`],
      details: { arn: identity.arn, expected: account.accountId },
    },
  )
}
