import { randomBytes } from 'node:crypto'
import { Evidence } from '../adapters/evidence.ts'
import { Helm } from '../adapters/helm/helm.ts'
import { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { LiveState } from '../adapters/kubernetes/live-state.ts'
import { Workloads } from '../adapters/kubernetes/workloads.ts'
import { ExitCode } from '../errors.ts'
import { planSummary, planView, resultView } from '../output/deploy-view.ts'
import { runTasks } from '../output/task-list.ts'
import { stderrTheme, stdoutTheme } from '../output/theme.ts'
import { deployTasks } from '../workflows/deploy/deploy.ts'
import { deployOutcome } from '../workflows/deploy/outcome.ts'
import { prepareDeploy } from '../workflows/deploy/prepare.ts'
import type { DeployPlan, DeployPorts, DeployRequest, DeployResult } from '../workflows/deploy/types.ts'
import type { CommandContext, Report } from './base-command.ts'
import { clusterAccess } from './cluster-access.ts'
import { confirm } from './confirm.ts'
import { usageError } from './flags.ts'
import { deployInfrastructure, type InfrastructureFlags, withInfrastructure } from './infrastructure.ts'
import { openSession, type Session, type SessionFlags, tool } from './session.ts'

export interface DeployFlags extends SessionFlags, InfrastructureFlags {
  services: string[] | undefined
  tag: string[] | undefined
  concurrency: number | undefined
  timeout: number | undefined
}

/** `emr deploy`: the infrastructure, then the services; reads, asks, deploys, and tells. */
export async function runDeploy(flags: DeployFlags, context: CommandContext): Promise<Report<unknown>> {
  const session = await openSession(flags, context.signal)
  const infrastructure = await deployInfrastructure(session, flags, context)
  if (infrastructure?.last) return infrastructure.report
  return withInfrastructure(infrastructure, await deployServices(session, flags, context))
}

async function deployServices(
  session: Session,
  flags: DeployFlags,
  context: CommandContext,
): Promise<Report<DeployPlan | DeployResult>> {
  const request = requestOf(flags, session)
  const { ports, plan, kubeconfig } = await prepare(session, request)
  if (flags['dry-run']) return dryRunReport(plan, flags)
  const pending = plan.services.filter(({ action }) => action !== 'unchanged').length
  if (pending > 0) {
    process.stderr.write(`${planView(plan, stderrTheme, { fields: false })}\n`)
    await confirm(session.environment, `deploy ${planSummary(plan)} in ${plan.environment}`, {
      ...flags,
      ...context,
    })
  }
  const result = await execute(ports, request, plan)
  return { document: result, text: [resultView(result, stdoutTheme), nextStep(plan, kubeconfig)].join('\n') }
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

/** Everything that is read before the question is asked. */
async function prepare(session: Session, request: DeployRequest) {
  const found = {} as { ports: DeployPorts; plan: DeployPlan; kubeconfig: string }
  await runTasks([
    { title: 'Reach the cluster', task: async () => void Object.assign(found, await connect(session)) },
    {
      title: 'Compare the charts with the cluster',
      task: async () => {
        found.plan = await prepareDeploy(found.ports, request)
      },
    },
  ])
  return found
}

async function connect(session: Session): Promise<{ ports: DeployPorts; kubeconfig: string }> {
  const { environment, stateFolder, runner, signal } = session
  const { namespace } = environment
  const [access, helm] = await Promise.all([clusterAccess(session, { start: true }), tool(session, 'helm')])
  const { kubeconfig, context } = access
  const client = new KubernetesClient(access)
  const id = operationId()
  const ports: DeployPorts = {
    id,
    environment,
    helm: new Helm(helm, { kubeconfig, context, namespace }, runner),
    workloads: new Workloads(client, namespace),
    live: new LiveState(client, namespace),
    evidence: new Evidence(stateFolder, id),
    signal,
    now: Date.now,
  }
  return { ports, kubeconfig }
}

/** Sorts by time: `20260314T031500Z-9f2c`. */
function operationId(): string {
  const time = new Date().toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')
  return `${time}-${randomBytes(2).toString('hex')}`
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

async function execute(ports: DeployPorts, request: DeployRequest, plan: DeployPlan): Promise<DeployResult> {
  const startedAt = ports.now()
  const deployment = deployTasks(ports, request, plan)
  try {
    await runTasks(deployment.tasks)
  } finally {
    deployment.close()
  }
  const durationMs = ports.now() - startedAt
  const timedOut = durationMs >= request.timeoutMs
  return deployOutcome(ports, plan, deployment.results(), {
    durationMs,
    evidence: ports.evidence.folder,
    timedOut,
  })
}

function nextStep({ namespace }: DeployPlan, kubeconfig: string): string {
  return `  next: kubectl --kubeconfig ${kubeconfig} --namespace ${namespace} get pods`
}
