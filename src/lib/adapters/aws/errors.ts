import { EmrError, ExitCode, messageOf } from '../../errors.ts'

const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'])
const INVALID = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'AuthFailure',
])
const DENIED = new Set(['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation'])

/** What to type for new credentials. */
export function loginCommand(profile: string | undefined): string {
  return `aws sso login${profile ? ` --profile ${profile}` : ''}`
}

/** An AWS SDK error as one that says what to do. @param doing what was being asked, as in "read the EKS cluster x" */
export function awsError(error: unknown, doing: string, profile: string | undefined): EmrError {
  const name = error instanceof Error ? error.name : ''
  const login = loginCommand(profile)
  const fail = (code: string, message: string, suggestions: string[]) =>
    new EmrError(message, { code, exitCode: ExitCode.preflight, suggestions, cause: error })
  if (EXPIRED.has(name) || /expired/i.test(messageOf(error))) {
    return fail('CREDENTIALS_EXPIRED', `The AWS credentials have expired (cannot ${doing})`, [login])
  }
  if (name === 'CredentialsProviderError') {
    return fail(
      'CREDENTIALS_MISSING',
      `There are no AWS credentials (cannot ${doing}): ${messageOf(error)}`,
      [login, 'or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
    )
  }
  if (INVALID.has(name)) {
    return fail('CREDENTIALS_INVALID', `AWS refuses the credentials (cannot ${doing}): ${messageOf(error)}`, [
      login,
    ])
  }
  if (DENIED.has(name)) {
    return fail('ACCESS_DENIED', `The AWS identity may not ${doing}: ${messageOf(error)}`, [
      'aws sts get-caller-identity',
    ])
  }
  return fail('AWS_FAILED', `Cannot ${doing}: ${name ? `${name}: ` : ''}${messageOf(error)}`, [])
}
