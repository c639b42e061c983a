import { formatDuration } from '../../domain/duration.ts'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import type { InfrastructurePorts } from './types.ts'

/** What an apply of a whole environment takes: EKS, RDS and MSK need most of it. */
const APPLY_MS = 60 * 60_000

/**
 * Whether this identity can work on this environment's state at all.
 * @throws {EmrError} PREFLIGHT (4) with every problem and the command that mends each
 */
export async function assertReady(ports: InfrastructurePorts): Promise<void> {
  const looked = await Promise.all([credentialProblem(ports), stateProblem(ports)])
  const problems = looked.filter((problem) => problem !== undefined)
  if (problems.length === 0) return
  const [only] = problems
  if (problems.length === 1 && only) throw only
  throw new EmrError(problems.map(messageOf).join('\n'), {
    code: 'PREFLIGHT',
    exitCode: ExitCode.preflight,
    suggestions: [...new Set(problems.flatMap(({ suggestions }) => suggestions))],
    details: { problems: problems.map(({ code, message }) => ({ code, message })) },
  })
}

async function credentialProblem(ports: InfrastructurePorts): Promise<EmrError | undefined> {
  return problemOf(async () => {
    const { expiresAt } = await ports.identity()
    const left = expiresAt === undefined ? APPLY_MS : expiresAt - ports.now()
    if (left >= APPLY_MS) return
    const { profile } = ports.environment.aws
    throw new EmrError(
      `The AWS credentials end in ${formatDuration(Math.max(0, left))}, and an apply can take ${formatDuration(APPLY_MS)}`,
      {
        code: 'CREDENTIALS_SHORT',
        exitCode: ExitCode.preflight,
        suggestions: [`aws sso login${profile ? ` --profile ${profile}` : ''}`],
      },
    )
  })
}

async function stateProblem(ports: InfrastructurePorts): Promise<EmrError | undefined> {
  const { environment } = ports
  const { bucket, table } = environment.infrastructure.backend
  return problemOf(async () => {
    const view = await ports.stateStore()
    const missing = [
      ...(view.bucket ? [] : [`the bucket ${bucket}`]),
      ...(view.lockTable ? [] : [`the table ${table}`]),
    ]
    if (missing.length === 0) return
    throw new EmrError(`There is no place for Terraform's state: ${missing.join(' and ')} not found`, {
      code: 'STATE_STORE_MISSING',
      exitCode: ExitCode.preflight,
      suggestions: [`emr bootstrap ${environment.name}`],
    })
  })
}

async function problemOf(look: () => Promise<void>): Promise<EmrError | undefined> {
  try {
    await look()
    return undefined
  } catch (error) {
    if (error instanceof EmrError && error.exitCode !== ExitCode.interrupted) return error
    throw error
  }
}
