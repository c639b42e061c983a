import type { Environment } from '../domain/environment.ts'
import { EmrError, ExitCode, InterruptedError } from '../errors.ts'

export interface Consent {
  /** --yes */
  yes: boolean
  /** --confirm NAME */
  confirm: string | undefined
  /** False where nobody can answer: no terminal, or --json. */
  interactive: boolean
  signal: AbortSignal
}

/**
 * Asks before a write operation. A protected environment wants its name typed, and --yes does not stand for that;
 * other environments ask for a yes, and the sandbox for nothing (an environment with an AWS account is more than one).
 * @param action what will be done, as in "deploy 5 services to production"
 * @throws {EmrError} CONFIRMATION_NEEDED or CONFIRMATION_WRONG (2), INTERRUPTED (130) when the answer is no
 */
export async function confirm(environment: Environment, action: string, consent: Consent): Promise<void> {
  const { name } = environment
  assertNames(environment, consent.confirm)
  if (consent.confirm === name) return
  if (environment.cluster.kind === 'sandbox' && environment.aws === undefined) return
  if (consent.yes && !environment.protected) return
  if (!consent.interactive) throw needed(environment, action)
  const { confirm: ask, input } = await import('@inquirer/prompts')
  const context = { signal: consent.signal, output: process.stderr }
  try {
    if (environment.protected) {
      const message = `${name} is protected. Type its name to ${action}:`
      await input(
        { message, validate: (typed) => typed === name || `type ${name}, or Ctrl-C to stop` },
        context,
      )
    } else if (
      !(await ask({ message: `${action[0]?.toUpperCase()}${action.slice(1)}?`, default: false }, context))
    ) {
      throw new InterruptedError('Nothing was changed: the answer was no')
    }
  } catch (error) {
    if (error instanceof EmrError) throw error
    throw new InterruptedError('Nothing was changed: the question was not answered')
  }
}

/**
 * Refuses a --confirm of another environment, also where nothing would be asked.
 * @throws {EmrError} CONFIRMATION_WRONG (2)
 */
export function assertNames({ name }: Environment, confirm: string | undefined): void {
  if (confirm === undefined || confirm === name) return
  throw new EmrError(`--confirm '${confirm}' does not name the environment: it is ${name}`, {
    code: 'CONFIRMATION_WRONG',
    exitCode: ExitCode.usage,
    suggestions: [`--confirm ${name}`],
  })
}

function needed({ name, protected: isProtected }: Environment, action: string): EmrError {
  return new EmrError(`To ${action}, the answer to a question is needed, and nobody can be asked here`, {
    code: 'CONFIRMATION_NEEDED',
    exitCode: ExitCode.usage,
    suggestions: [isProtected ? `--confirm ${name} (${name} is protected: --yes is not enough)` : '--yes'],
  })
}
