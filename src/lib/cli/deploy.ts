import type { Environment } from '../domain/environment.ts'
import type { LiveStates, ReleaseSet } from '../domain/release/release-set.ts'
import { afterChange, ExitCode } from '../errors.ts'
import { planSummary, planView, resultView, warningLines } from '../output/deploy-view.ts'
import { printNote } from '../output/door.ts'
import { runTasks } from '../output/task-list.ts'
import { stderrTheme, stdoutTheme, symbols } from '../output/theme.ts'
import { namespaceTask } from '../workflows/deploy/deploy.ts'
import { checkRequest, prepareDeploy } from '../workflows/deploy/prepare.ts'
import { assertSameCharts, unfinishedDeploy } from '../workflows/deploy/resume.ts'
import type { DeployPlan, DeployRequest, DeployResult } from '../workflows/deploy/types.ts'
import { liveStates } from '../workflows/release-state.ts'
import type { CommandContext, Report } from './base-command.ts'
import { confirm } from './confirm.ts'
import { carryOutDeploy } from './deploy-run.ts'
import { type EnvironmentAccess, reachEnvironment } from './environment-access.ts'
import { usageError } from './flags.ts'
import { deployInfrastructure, type InfrastructureFlags, withInfrastructure } from './infrastructure.ts'
import { type Assignment, operate } from './operation.ts'
import { assertRights, noteBlind } from './rights.ts'
import { sandboxDatabase } from './sandbox-database.ts'
import { openSession, type Session, type SessionFlags } from './session.ts'
import { suiteOf, verifyEnvironment } from './smoke-test.ts'

/** What a change of the services' releases is given. */
export interface ReleaseFlags {
  services: string[] | undefined
  tag: string[] | undefined
  concurrency: number | undefined
  timeout: number | undefined
  'wait-lock': number | undefined
  'skip-smoke-tests': boolean
  'dry-run': boolean
  'detailed-exitcode': boolean
  yes: boolean
  confirm: string | undefined
  rollback: boolean
  resume: boolean
  /** Values of the one service that are changed; all else stays as it runs. */
  change?: Record<string, string>
}

export type DeployFlags = SessionFlags & InfrastructureFlags & ReleaseFlags

/** `emr deploy`: the infrastructure, then the services; reads, asks, deploys, and tells. */
export async function runDeploy(flags: DeployFlags, context: CommandContext): Promise<Report<unknown>> {
  const session = await openSession(flags, context.signal)
  if (!flags['skip-services'] && !flags['refresh-only'])
    await checkRequest(session.environment, requestOf(flags, session))
  const infrastructure = await deployInfrastructure(session, flags, context)
  if (infrastructure?.last) return infrastructure.report
  const services = () => deployServices(session, flags, context)
  const isApplied = infrastructure?.applied === true
  return withInfrastructure(
    infrastructure,
    isApplied ? await afterChange('the infrastructure was applied', services) : await services(),
  )
}

/** Compares, asks, deploys with the lock held, verifies and records. */
export async function deployServices(
  session: Session,
  flags: ReleaseFlags,
  context: CommandContext,
): Promise<Report<DeployPlan | DeployResult>> {
  const suite = flags['skip-smoke-tests'] ? undefined : await suiteOf(session)
  const prepared = await prepare(session, flags)
  const { access, plan, request } = prepared
  if (flags['dry-run']) return dryRunReport(plan, flags)
  const pending = plan.services.filter(({ action }) => action !== 'unchanged').length
  if (pending > 0) {
    printNote(`${planView(plan, stderrTheme, { fields: flags.change !== undefined })}`)
    await confirm(session.environment, `deploy ${planSummary(plan)} in ${plan.environment}`, {
      ...flags,
      ...context,
    })
  } else for (const line of warningLines(plan.warnings, stderrTheme)) printNote(`${line}`)
  if (plan.createNamespace) await runTasks([namespaceTask(access.ports, plan)])
  const run = async () => (suite ? verifyEnvironment(access, suite) : noteUnproven(flags))
  const options = { rollback: flags.rollback, verification: { file: suite?.file, run } }
  const operation = () =>
    operate(access, assignmentOf(prepared, flags), (journal, overtaken) =>
      carryOutDeploy(access, request, plan, options, { journal, overtaken }),
    )
  const [result] = await Promise.all([
    plan.createNamespace
      ? afterChange(`the namespace ${plan.namespace} was created`, operation)
      : operation(),
    // A deploy needs no database: what is wrong with it, emr db-backup tells.
    sandboxDatabase(session).catch(() => undefined),
  ])
  return {
    document: result,
    text: [resultView(result, stdoutTheme), nextStep(plan, access.ports.kubectl)].join('\n'),
  }
}

/** Without smoke tests nothing is proven, and a later rollback should not come as a surprise. */
function noteUnproven(flags: ReleaseFlags): undefined {
  const why = flags['skip-smoke-tests'] ? 'were skipped' : 'are missing: there is no smoke-tests.yaml'
  printNote(`${stderrTheme.warn(symbols.warn)} Smoke tests ${why}; this release set is not proven good`)
}

/** Tags that are kept after such a deploy may be of two versions. */
function noteUnfinished(last: ReleaseSet | undefined): void {
  if (last?.operation !== 'deploy' || !['interrupted', 'abandoned'].includes(last.outcome)) return
  const { id, environment } = last
  printNote(
    `${stderrTheme.warn(symbols.warn)} Deploy ${id} did not get to its end; take it up with --resume, or go back: emr rollback ${environment} all`,
  )
}

function requestOf(flags: ReleaseFlags, { environment }: Session): DeployRequest {
  return {
    services: servicesOf(flags, environment),
    tags: parseTags(flags.tag ?? []),
    concurrency: flags.concurrency ?? environment.concurrency,
    timeoutMs: flags.timeout ?? environment.rollout.timeout,
    ...(flags.change && { change: flags.change }),
  }
}

function servicesOf({ services = [] }: ReleaseFlags, environment: Environment): string[] {
  const named = services.map((name) => name.trim()).filter((name) => name !== '')
  if (services.length === 0 || named.length > 0) return named
  const known = environment.services.map(({ name }) => name).join(', ')
  throw usageError('--services names no service', [`known services: ${known}`])
}

/** `v2` for all services, `task-service=v2` for one. */
function parseTags(texts: string[]): Record<string, string> {
  const tags: Record<string, string> = {}
  for (const text of texts) {
    const [service, tag] = text.includes('=') ? text.split(/=(.*)/s) : ['*', text]
    // The grammar of a tag in the OCI distribution specification.
    if (!service || !tag || !/^\w[\w.-]{0,127}$/.test(tag)) {
      throw usageError(`'${text}' is no image tag`, ['--tag v1.4.2', '--tag task-service=v1.4.2'])
    }
    if (service in {}) throw usageError(`There is no service '${service}'`, ['emr config show'])
    if (tags[service] !== undefined)
      throw usageError(`Two tags are given for ${service === '*' ? 'all services' : service}`)
    tags[service] = tag
  }
  return tags
}

interface Prepared {
  access: EnvironmentAccess
  request: DeployRequest
  plan: DeployPlan
  /** What the services are before the deploy. */
  before: LiveStates
  newest: ReleaseSet | undefined
}

/** Everything that is read before the question is asked. */
async function prepare(session: Session, flags: ReleaseFlags): Promise<Prepared> {
  const asked = requestOf(flags, session)
  const found = {} as Prepared
  let blind: string[] = []
  await runTasks([
    {
      title: 'Reach the cluster',
      task: async () => {
        found.access = await reachEnvironment(session)
        if (!flags['dry-run']) blind = await assertRights(found.access, flags.change ? 'set' : 'deploy')
      },
    },
    {
      title: 'Compare the charts with the cluster',
      task: async () => {
        const { ports, sets } = found.access
        const known = await sets.list(ports.signal)
        const unfinished = flags.resume ? await resumable(found.access, known) : undefined
        const { services, tags = {} } = unfinished?.request ?? asked
        const request = { ...asked, services, tags }
        const plan = await prepareDeploy(ports, request, known)
        if (unfinished) assertSameCharts(unfinished, plan)
        const planned = Object.fromEntries(plan.services.map(({ service, before }) => [service, before]))
        const others = session.environment.services
          .map(({ name }) => name)
          .filter((name) => !(name in planned))
        const before = { ...planned, ...(await liveStates(ports.helm, others, ports.signal)) }
        Object.assign(found, { request, plan, before, newest: known.at(-1) })
      },
    },
  ])
  noteBlind(blind)
  if (!flags.resume) noteUnfinished(found.newest)
  return found
}

async function resumable(
  { lock, ports, session }: EnvironmentAccess,
  sets: ReleaseSet[],
): Promise<ReleaseSet> {
  const { holder } = await lock.status(ports.signal)
  return unfinishedDeploy(sets, session.environment.name, holder?.alive ? holder.id : undefined)
}

function assignmentOf({ request, plan, before, newest }: Prepared, flags: ReleaseFlags): Assignment {
  const { services, tags, change } = request
  return {
    operation: change ? 'set' : 'deploy',
    request: { services, tags, ...(change && { change }) },
    planned: Object.fromEntries(plan.services.map(({ service, manifest }) => [service, manifest])),
    before,
    waitMs: flags['wait-lock'] ?? 0,
    newest: newest?.id,
  }
}

function dryRunReport(plan: DeployPlan, flags: ReleaseFlags): Report<DeployPlan> {
  const changes = plan.services.some(({ action }) => action !== 'unchanged')
  const text = `${planView(plan, stdoutTheme, { fields: true })}\n\n${planSummary(plan)}. Nothing was changed.`
  return {
    document: plan,
    text,
    exitCode: changes && flags['detailed-exitcode'] ? ExitCode.changes : ExitCode.ok,
  }
}

function nextStep({ namespace }: DeployPlan, kubectl: string): string {
  return `  next: ${kubectl} --namespace ${namespace} get pods`
}
