import type { LiveStates } from '../domain/release/release-set.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { planSummary, planView, resultView } from '../output/deploy-view.ts'
import { runTasks } from '../output/task-list.ts'
import { stderrTheme, stdoutTheme } from '../output/theme.ts'
import { namespaceTask } from '../workflows/deploy/deploy.ts'
import { prepareDeploy } from '../workflows/deploy/prepare.ts'
import type { DeployPlan, DeployRequest, DeployResult } from '../workflows/deploy/types.ts'
import { liveStates } from '../workflows/release-state.ts'
import type { CommandContext, Report } from './base-command.ts'
import { confirm } from './confirm.ts'
import { carryOutDeploy } from './deploy-run.ts'
import { type EnvironmentAccess, reachEnvironment } from './environment-access.ts'
import { usageError } from './flags.ts'
import { type Assignment, operate } from './operation.ts'
import { openSession, type Session, type SessionFlags } from './session.ts'

export interface DeployFlags extends SessionFlags {
  services: string[] | undefined
  tag: string[] | undefined
  'skip-infra': boolean
  'skip-services': boolean
  'dry-run': boolean
  'detailed-exitcode': boolean
  concurrency: number | undefined
  timeout: number | undefined
  'wait-lock': number | undefined
  'skip-smoke-tests': boolean
  rollback: boolean
  yes: boolean
  confirm: string | undefined
}

/** `emr deploy`: reads, asks, deploys, and tells. */
export async function runDeploy(
  flags: DeployFlags,
  context: CommandContext,
): Promise<Report<DeployPlan | DeployResult>> {
  const session = await openSession(flags, context.signal)
  refuseInfrastructure(session, flags)
  const request = requestOf(flags, session)
  const prepared = await prepare(session, request)
  const { access, plan } = prepared
  if (flags['dry-run']) return dryRunReport(plan, flags)
  const pending = plan.services.filter(({ action }) => action !== 'unchanged').length
  if (pending > 0) {
    process.stderr.write(`${planView(plan, stderrTheme, { fields: false })}\n`)
    await confirm(session.environment, `deploy ${planSummary(plan)} in ${plan.environment}`, {
      ...flags,
      ...context,
    })
  }
  if (plan.createNamespace) await runTasks([namespaceTask(access.ports, plan)])
  const options = { rollback: flags.rollback, verify: async () => undefined }
  const result = await operate(access, assignmentOf(prepared, request, flags), (journal, overtaken) =>
    carryOutDeploy(access, request, plan, options, { journal, overtaken }),
  )
  return {
    document: result,
    text: [resultView(result, stdoutTheme), nextStep(plan, access.kubeconfig)].join('\n'),
  }
}

/** The environment's infrastructure cannot be deployed yet; saying so beats deploying half of what was asked. */
function refuseInfrastructure({ environment }: Session, flags: DeployFlags): void {
  if (flags['skip-infra'] || environment.aws === undefined) return
  throw new EmrError(`emr cannot deploy the infrastructure of ${environment.name} yet, only its services`, {
    code: 'INFRASTRUCTURE_UNAVAILABLE',
    exitCode: ExitCode.preflight,
    suggestions: [`emr deploy ${environment.name} --skip-infra`],
  })
}

function requestOf(flags: DeployFlags, { environment }: Session): DeployRequest {
  return {
    services: flags.services ?? [],
    tags: parseTags(flags.tag ?? []),
    concurrency: flags.concurrency ?? environment.concurrency,
    timeoutMs: flags.timeout ?? environment.rollout.timeout,
  }
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
    if (tags[service] !== undefined)
      throw usageError(`Two tags are given for ${service === '*' ? 'all services' : service}`)
    tags[service] = tag
  }
  return tags
}

interface Prepared {
  access: EnvironmentAccess
  plan: DeployPlan
  /** What the services are before the deploy. */
  before: LiveStates
  /** Id of the newest release set. */
  newest: string | undefined
}

/** Everything that is read before the question is asked. */
async function prepare(session: Session, request: DeployRequest): Promise<Prepared> {
  const found = {} as Prepared
  await runTasks([
    {
      title: 'Reach the cluster',
      task: async () => {
        found.access = await reachEnvironment(session)
      },
    },
    {
      title: 'Compare the charts with the cluster',
      task: async () => {
        const { ports, sets } = found.access
        const [plan, known] = await Promise.all([prepareDeploy(ports, request), sets.list(ports.signal)])
        const planned = Object.fromEntries(plan.services.map(({ service, before }) => [service, before]))
        const others = session.environment.services
          .map(({ name }) => name)
          .filter((name) => !(name in planned))
        const before = { ...planned, ...(await liveStates(ports.helm, others, ports.signal)) }
        Object.assign(found, { plan, before, newest: known.at(-1)?.id })
      },
    },
  ])
  return found
}

function assignmentOf(
  { plan, before, newest }: Prepared,
  request: DeployRequest,
  flags: DeployFlags,
): Assignment {
  const { services, tags } = request
  return {
    operation: 'deploy',
    request: { services, tags },
    planned: Object.fromEntries(plan.services.map(({ service, manifest }) => [service, manifest])),
    services: Object.fromEntries(Object.entries(before).map(([name, state]) => [name, { before: state }])),
    waitMs: flags['wait-lock'] ?? 0,
    newest,
  }
}

function dryRunReport(plan: DeployPlan, flags: DeployFlags): Report<DeployPlan> {
  const changes = plan.services.some(({ action }) => action !== 'unchanged')
  const text = `${planView(plan, stdoutTheme, { fields: true })}\n\n${planSummary(plan)}. Nothing was changed.`
  return {
    document: plan,
    text,
    exitCode: changes && flags['detailed-exitcode'] ? ExitCode.changes : ExitCode.ok,
  }
}

function nextStep({ namespace }: DeployPlan, kubeconfig: string): string {
  return `  next: kubectl --kubeconfig ${kubeconfig} --namespace ${namespace} get pods`
}
