import type { Freeze } from '../adapters/kubernetes/lock-holder.ts'
import { EmrError, ExitCode, messageOf } from '../errors.ts'
import { printNote } from '../output/door.ts'
import { stderrTheme, symbols, stdoutTheme as theme } from '../output/theme.ts'
import { actorOf } from './actor.ts'
import type { CommandContext, Report } from './base-command.ts'
import { type EnvironmentAccess, reachEnvironment } from './environment-access.ts'
import { usageError } from './flags.ts'
import { assertRights } from './rights.ts'
import { openSession, type SessionFlags } from './session.ts'

interface FreezeState {
  environment: string
  freeze: Freeze | null
  /** What could not be written to the records. */
  reportingProblems?: string[]
}

/**
 * `emr lock`
 * @throws {EmrError} FROZEN (8) where it is frozen already: a reason is not replaced unseen
 */
export async function freeze(
  flags: SessionFlags & { reason: string },
  context: CommandContext,
): Promise<Report<FreezeState>> {
  if (flags.reason.trim() === '') {
    throw usageError('The reason is empty: everybody who is refused reads it', [
      '--reason "quarter-end close"',
    ])
  }
  const access = await reach(flags, context)
  const by = await actorOf(access.session)
  const since = new Date().toISOString()
  const state = { reason: flags.reason, by: by.name, since }
  await access.lock.freeze(state, context.signal)
  const problem = await audit(access, 'lock', { reason: flags.reason }, context.signal)
  const { name } = access.session.environment
  const { holder } = await access.lock.status(context.signal).catch(() => ({ holder: undefined }))
  const running = holder?.alive
    ? `\n  ${holder.operation} ${holder.id} of ${holder.by} still runs, to its end`
    : ''
  const text = `${theme.good(symbols.good)} ${name} is frozen: ${flags.reason}${running}\n  lift it: emr unlock ${name}`
  return withProblem({ document: { environment: name, freeze: state }, text }, problem)
}

/** `emr unlock` */
export async function unfreeze(flags: SessionFlags, context: CommandContext): Promise<Report<FreezeState>> {
  const access = await reach(flags, context)
  const { name } = access.session.environment
  const { freeze: before, holder } = await access.lock.status(context.signal)
  const running = holder?.alive ? `\n  ${holder.operation} ${holder.id} of ${holder.by} is at work` : ''
  const document = { environment: name, freeze: null }
  if (before === undefined) return { document, text: `${name} was not frozen${running}` }
  await access.lock.unfreeze(context.signal)
  const problem = await audit(access, 'unlock', { reason: before.reason }, context.signal)
  const report = {
    document,
    text: `${theme.good(symbols.good)} ${name} is open again (frozen by ${before.by}: ${before.reason})`,
  }
  return withProblem(report, problem)
}

async function reach(flags: SessionFlags, { signal }: CommandContext): Promise<EnvironmentAccess> {
  const access = await reachEnvironment(await openSession(flags, signal))
  await assertRights(access, 'lock')
  if ((await access.ports.workloads.namespace(signal)) !== undefined) return access
  const { name, namespace } = access.session.environment
  throw new EmrError(`${name} has no namespace ${namespace} yet: there is nothing to lock`, {
    code: 'NAMESPACE_MISSING',
    exitCode: ExitCode.preflight,
    suggestions: [`emr deploy ${name}`],
  })
}

/** That it is not in the audit log does not undo it. */
function withProblem(
  { document, text }: Report<FreezeState>,
  problem: string | undefined,
): Report<FreezeState> {
  if (problem === undefined) return { document, text }
  printNote(`${stderrTheme.warn(symbols.warn)} ${problem}`)
  return { document: { ...document, reportingProblems: [problem] }, text }
}

/** @returns why it could not be written; undefined where it was */
async function audit(
  { audit: log, ports, session }: EnvironmentAccess,
  operation: string,
  request: Record<string, unknown>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const by = await actorOf(session)
    const startedAt = new Date(ports.now()).toISOString()
    const entry = { id: ports.id, operation, by, startedAt, durationMs: 0, request, outcome: 'done' }
    await log.append(entry, signal)
    return undefined
  } catch (error) {
    return `this ${operation} is not in the audit log: ${messageOf(error)}`
  }
}
