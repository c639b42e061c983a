import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { awsError } from './errors.ts'

/** A network without a way to an API does not refuse: it is silent. */
const ANSWER_MS = 20_000

/**
 * Asks AWS something that is good to know, but not worth waiting for.
 * @param doing as in "list the versions of EKS"
 * @throws {EmrError} when AWS refuses, or does not answer in time (exit 4)
 */
export async function askBriefly<T>(
  { profile }: AwsAccount,
  doing: string,
  abortSignal: AbortSignal,
  ask: (abortSignal: AbortSignal) => Promise<T>,
  withinMs = ANSWER_MS,
): Promise<T> {
  const limit = AbortSignal.timeout(withinMs)
  try {
    return await ask(AbortSignal.any([abortSignal, limit]))
  } catch (error) {
    abortSignal.throwIfAborted()
    if (!limit.aborted) throw awsError(error, doing, profile)
    throw new EmrError(`Cannot ${doing}: AWS did not answer within ${withinMs / 1000} s`, {
      code: 'AWS_SILENT',
      exitCode: ExitCode.preflight,
      cause: error,
    })
  }
}
