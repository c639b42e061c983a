import { nearest } from '../errors.ts'
import { assertNames } from './confirm.ts'
import { usageError } from './flags.ts'
import { openSession, type Session, type SessionFlags } from './session.ts'

/** How a command names an environment and, after it, one service. */
export interface TargetFlags extends SessionFlags {
  /** `[ENVIRONMENT] [SERVICE]`, as typed. */
  words: string[]
}

/**
 * `emr logs production task-service`, `emr logs -e production task-service` or, with a default environment,
 * `emr logs task-service`.
 * @throws {EmrError} USAGE (2) for words that are neither
 */
export async function openTarget(
  { words, ...flags }: TargetFlags,
  signal: AbortSignal,
): Promise<{ session: Session; service: string | undefined; rest: string[] }> {
  const named = flags.environment === undefined && words.length > 0
  const [first = '', ...others] = words
  const session = await openSession({ ...flags, argument: named ? first : undefined }, signal).catch(
    async (error) => {
      if (!named || error.code !== 'ENVIRONMENT_UNKNOWN') throw error
      // The one word may be a service of the default environment.
      const fallback = await openSession({ ...flags, confirm: undefined }, signal).catch(() => undefined)
      if (!fallback?.environment.services.some(({ name }) => name === first)) throw error
      assertNames(fallback.environment, flags.confirm)
      return fallback
    },
  )
  const rest = named && session.environment.name === first ? others : words
  const [service, ...more] = rest
  if (service !== undefined) assertService(session, service)
  return { session, service, rest: more }
}

/** The same, for what is about one service or all: a further word is an error. */
export async function openScope(
  flags: TargetFlags,
  signal: AbortSignal,
): Promise<{ session: Session; service: string | undefined }> {
  const { session, service, rest } = await openTarget(flags, signal)
  const [more] = rest
  if (more === undefined) return { session, service }
  throw usageError(`'${more}' is one word too many`, ['name one service, or none for all of them'])
}

function assertService({ environment }: Session, service: string): void {
  const known = environment.services.map(({ name }) => name)
  if (known.includes(service)) return
  const close = nearest(service, known)
  throw usageError(`${environment.name} has no service '${service}'`, [
    close ? `did you mean '${close}'?` : `known services: ${known.join(', ')}`,
  ])
}
