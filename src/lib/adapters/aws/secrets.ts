import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { withClient } from './client.ts'

/** Secrets Manager GetSecretValue, of a secret that holds a JSON object. @throws {EmrError} (exit 4), never with the value */
export async function secretObject(
  account: AwsAccount,
  name: string,
  abortSignal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
  const { SecretString = '' } = await withClient(
    SecretsManagerClient,
    account,
    `read the secret ${name}`,
    (client) => client.send(new GetSecretValueCommand({ SecretId: name }), { abortSignal }),
  )
  try {
    return JSON.parse(SecretString)
  } catch {
    throw new EmrError(`The secret ${name} is no JSON object with username and password`, {
      code: 'SECRET_INVALID',
      exitCode: ExitCode.preflight,
      suggestions: [`aws secretsmanager describe-secret --secret-id ${name}`],
    })
  }
}
