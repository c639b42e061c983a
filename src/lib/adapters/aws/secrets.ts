import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { clientConfig } from './account.ts'
import { awsError } from './errors.ts'

/** Secrets Manager GetSecretValue, of a secret that holds a JSON object. @throws {EmrError} (exit 4), never with the value */
export async function secretObject(
  account: AwsAccount,
  name: string,
  abortSignal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
  const client = new SecretsManagerClient(clientConfig(account))
  let text: string
  try {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: name }), {
      abortSignal,
    })
    text = SecretString
  } catch (error) {
    throw awsError(error, `read the secret ${name}`, account.profile)
  } finally {
    client.destroy()
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new EmrError(`The secret ${name} is no JSON object with username and password`, {
      code: 'SECRET_INVALID',
      exitCode: ExitCode.preflight,
      suggestions: [`aws secretsmanager describe-secret --secret-id ${name}`],
    })
  }
}
