import { formatDuration } from '../../domain/duration.ts'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import type { InfrastructurePlan, InfrastructurePorts } from './types.ts'

/** What reading the state and planning takes at most. */
const READ_MS = 5 * 60_000

/** What an apply takes at most: of what AWS makes in seconds, and of what takes it half an hour. */
const APPLY_MS = 15 * 60_000
const SLOW_APPLY_MS = 45 * 60_000
const SLOW = new Set([
  'aws_db_instance',
  'aws_eks_cluster',
  'aws_elasticache_replication_group',
  'aws_msk_cluster',
])

/**
 * Whether this identity can work on this environment's state at all.
 * @throws {EmrError} PREFLIGHT (4) with every problem and the command that mends each
 */
export async function assertReady(ports: InfrastructurePorts): Promise<void> {
  const looked = await Promise.all([
    problemOf(() => assertCredentialLife(ports, READ_MS)),
    stateProblem(ports),
  ])
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

/**
 * Whether the credentials live as long as this plan takes: an apply that loses them in the middle loses the state too.
 * @throws {EmrError} CREDENTIALS_SHORT (4)
 */
export async function assertLifeFor(
  ports: InfrastructurePorts,
  { changes }: Pick<InfrastructurePlan, 'changes'>,
): Promise<void> {
  if (changes.length === 0) return
  await assertCredentialLife(ports, changes.some(({ type }) => SLOW.has(type)) ? SLOW_APPLY_MS : APPLY_MS)
}

async function assertCredentialLife(ports: InfrastructurePorts, neededMs: number): Promise<void> {
  const { expiresAt } = await ports.identity()
  const left = expiresAt === undefined ? neededMs : expiresAt - ports.now()
  if (left >= neededMs) return
  const { profile } = ports.environment.aws
  throw new EmrError(
    `The AWS credentials end in ${formatDuration(Math.max(0, left))}, and this can take ${formatDuration(neededMs)}`,
    {
      code: 'CREDENTIALS_SHORT',
      exitCode: ExitCode.preflight,
      suggestions: [`aws sso login${profile ? ` --profile ${profile}` : ''}`],
    },
  )
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
