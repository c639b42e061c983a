import type { ReleaseSet } from '../domain/release/release-set.ts'
import { printNote } from '../output/door.ts'
import { rollbackPlanView, rollbackResultView } from '../output/rollback-view.ts'
import { runTasks } from '../output/task-list.ts'
import { stderrTheme, stdoutTheme } from '../output/theme.ts'
import type { Journal } from '../workflows/record/journal.ts'
import { liveStates } from '../workflows/release-state.ts'
import { rollbackOutcome } from '../workflows/rollback/outcome.ts'
import { assertRequest, knownServices, prepareRollback } from '../workflows/rollback/prepare.ts'
import { rollbackTasks } from '../workflows/rollback/rollback.ts'
import type { RollbackPlan, RollbackRequest, RollbackResult } from '../workflows/rollback/types.ts'
import { type Verification, verify } from '../workflows/smoke-test/verify.ts'
import type { CommandContext, Report } from './base-command.ts'
import { confirm } from './confirm.ts'
import { failureOf, readyOf, runServices } from './deploy-run.ts'
import { type EnvironmentAccess, reachEnvironment } from './environment-access.ts'
import { usageError } from './flags.ts'
import { type Ending, operate } from './operation.ts'
import { assertRights, noteBlind } from './rights.ts'
import { openSession, type Session, type SessionFlags } from './session.ts'
import { suiteOf, verifyEnvironment } from './smoke-test.ts'

export interface RollbackFlags extends SessionFlags {
  /** What stands on the command line: [ENVIRONMENT] all|SERVICE... */
  words: string[]
  to: string | undefined
  revision: number | undefined
  namespace: string | undefined
  'dry-run': boolean
  concurrency: number | undefined
  timeout: number | undefined
  'wait-lock': number | undefined
  'skip-smoke-tests': boolean
  yes: boolean
  confirm: string | undefined
}

/** `emr rollback`: reads, shows the difference, asks, goes back, and tells. */
export async function runRollback(
  flags: RollbackFlags,
  context: CommandContext,
): Promise<Report<RollbackPlan | RollbackResult>> {
  const { session, services } = await openRollback(flags, context.signal)
  const request = requestOf(flags, session, services)
  const suite = flags['skip-smoke-tests'] ? undefined : await suiteOf(session)
  const { access, plan, sets } = await prepare(session, request)
  if (flags['dry-run']) {
    const text = `${rollbackPlanView(plan, stdoutTheme, { fields: true })}\n\nNothing was changed.`
    return { document: plan, text }
  }
  const pending = plan.services.filter(({ action }) => action === 'rollback').length
  if (pending > 0) {
    printNote(`${rollbackPlanView(plan, stderrTheme, { fields: true })}`)
    await confirm(session.environment, `roll back ${pending} services in ${plan.environment}`, {
      ...flags,
      ...context,
    })
  }
  const before = await liveStates(access.ports.helm, knownServices(access.ports, sets), context.signal)
  const assignment = {
    operation: 'rollback' as const,
    request: { services, ...(plan.set && { to: plan.set.id }) },
    before,
    waitMs: flags['wait-lock'] ?? 0,
    newest: sets.at(-1)?.id,
  }
  const verification = { file: suite?.file, run: async () => suite && verifyEnvironment(access, suite) }
  const result = await operate(access, assignment, (journal, overtaken) =>
    carryOutRollback(access, request, plan, verification, { journal, overtaken }),
  )
  return { document: result, text: rollbackResultView(result, stdoutTheme) }
}

/** `emr rollback ENV all`, `emr rollback -e ENV all` or, with a default environment, `emr rollback all`. */
async function openRollback(
  flags: RollbackFlags,
  signal: AbortSignal,
): Promise<{ session: Session; services: string[] }> {
  const { words } = flags
  const named = flags.environment === undefined && words.length > 1
  const session = await openSession({ ...flags, argument: named ? words[0] : undefined }, signal).catch(
    (error) => {
      // Without an environment by name, the one word that is there may have been meant as one.
      if (error.code !== 'USAGE' || words.length !== 1) throw error
      throw nothingNamed(words[0] ?? '')
    },
  )
  const { environment } = session
  const targets = named ? words.slice(1) : words
  if (targets.length === 0 || (targets.length === 1 && targets[0] === environment.name)) {
    throw nothingNamed(environment.name)
  }
  if (targets.includes('all') && targets.length > 1) {
    throw usageError("'all' stands for every service: name it alone, or name services")
  }
  const namespace = flags.namespace ?? environment.namespace
  return {
    session: { ...session, environment: { ...environment, namespace } },
    services: targets[0] === 'all' ? [] : targets,
  }
}

function nothingNamed(environment: string) {
  return usageError('Nothing is named to roll back', [
    `emr rollback ${environment} all`,
    `emr rollback ${environment} SERVICE`,
  ])
}

function requestOf(flags: RollbackFlags, { environment }: Session, services: string[]): RollbackRequest {
  const { to, revision } = flags
  if (revision !== undefined && services.length !== 1) {
    throw usageError('--revision is for one service: each has numbers of its own', [
      `emr rollback ${environment.name} SERVICE --revision ${revision}`,
      `emr rollback ${environment.name} all --to SET`,
    ])
  }
  if (to?.trim() === '') {
    throw usageError('--to names no release set', [`emr history ${environment.name}`])
  }
  return {
    services,
    to,
    revision,
    concurrency: flags.concurrency ?? Math.max(environment.concurrency, environment.services.length),
    timeoutMs: flags.timeout ?? environment.rollout.timeout,
  }
}

interface Prepared {
  access: EnvironmentAccess
  plan: RollbackPlan
  sets: ReleaseSet[]
}

/** Everything that is read before the question is asked. */
async function prepare(session: Session, request: RollbackRequest): Promise<Prepared> {
  const found = {} as Prepared
  let blind: string[] = []
  await runTasks([
    {
      title: 'Reach the cluster',
      task: async () => {
        found.access = await reachEnvironment(session)
        blind = await assertRights(found.access, 'rollback')
        found.sets = await found.access.sets.list(session.signal)
      },
    },
  ])
  noteBlind(blind)
  const { ports } = found.access
  // A wrong word is not a step that failed.
  assertRequest(ports, found.sets, request)
  await runTasks([
    {
      title: 'Find the state to go back to',
      task: async () => {
        found.plan = await prepareRollback(ports, found.sets, request)
      },
    },
  ])
  return found
}

/** The phases of a rollback: services, then smoke tests. */
export async function carryOutRollback(
  access: EnvironmentAccess,
  request: RollbackRequest,
  planned: RollbackPlan,
  verification: Verification,
  { journal, overtaken }: { journal: Journal; overtaken: boolean },
): Promise<Ending<RollbackResult>> {
  const { ports, sets } = access
  const { signal } = ports
  const startedAt = ports.now()
  const earlier = async () => (await sets.list(signal)).filter(({ id }) => id !== ports.id)
  // Another operation was at work since the plan was made; the set that was agreed on stays.
  const plan = overtaken
    ? await prepareRollback(ports, await earlier(), { ...request, to: planned.set?.id })
    : planned
  const services = await journal.phase('services', signal, () =>
    runServices(rollbackTasks(ports, request, plan)),
  )
  const ready = services.every(({ outcome }) => outcome === 'rolled-back' || outcome === 'unchanged')
  const tested = () => verify(ports, verification)
  const smokeTests = ready ? await journal.laterPhase('smoke tests', signal, tested) : undefined
  const run = { durationMs: ports.now() - startedAt, evidence: ports.evidence.folder, smokeTests }
  const failed = !ready || smokeTests?.outcome === 'failed'
  const proven = smokeTests?.outcome === 'passed'
  return {
    outcome: signal.aborted ? 'interrupted' : failed ? 'failed' : proven ? 'good' : 'ready',
    proven,
    ready: readyOf(services),
    ...(!failed && plan.set && { restored: plan.set.id }),
    ...(failed && { failure: failureOf(services, smokeTests) }),
    conclude: (reporting) => rollbackOutcome(ports, plan, services, { ...run, reporting }),
  }
}
