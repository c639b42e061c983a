import { Scaling } from '../adapters/kubernetes/scaling.ts'
import { printNote } from '../output/door.ts'
import { podsPlanView, podsResultView } from '../output/pods-view.ts'
import { runTasks } from '../output/task-list.ts'
import { stderrTheme, stdoutTheme } from '../output/theme.ts'
import {
  isDone,
  type PodsPlan,
  type PodsPorts,
  type PodsResult,
  podsOutcome,
  podsTasks,
  preparePods,
} from '../workflows/change-pods.ts'
import type { Journal } from '../workflows/record/journal.ts'
import { liveStates } from '../workflows/release-state.ts'
import type { CommandContext, Report } from './base-command.ts'
import { confirm } from './confirm.ts'
import { runServices } from './deploy-run.ts'
import { type EnvironmentAccess, reachEnvironment } from './environment-access.ts'
import { usageError } from './flags.ts'
import { type Assignment, type Ending, operate } from './operation.ts'
import { assertRights, noteBlind } from './rights.ts'
import type { Session } from './session.ts'
import { openTarget, type TargetFlags } from './target.ts'

interface PodsFlags extends TargetFlags {
  'dry-run': boolean
  timeout: number | undefined
  'wait-lock': number | undefined
  yes: boolean
  confirm: string | undefined
}

/** `emr restart ENV SERVICE` */
export async function runRestart(flags: PodsFlags, context: CommandContext) {
  const { session, service, rest } = await openTarget(flags, context.signal)
  if (service === undefined || rest.length > 0) throw oneService('restart', session)
  return changePods(session, service, undefined, flags, context)
}

/** `emr scale ENV SERVICE REPLICAS` */
export async function runScale(flags: PodsFlags, context: CommandContext) {
  const replicas = flags.words.at(-1) ?? ''
  const words = flags.words.slice(0, -1)
  const { session, service, rest } = await openTarget({ ...flags, words }, context.signal)
  if (service === undefined || rest.length > 0) throw oneService('scale', session, ' 5')
  if (!/^[1-9]\d{0,3}$/.test(replicas)) {
    throw usageError(`'${replicas}' is no number of pods: a service keeps at least one`, [
      `emr scale ${session.environment.name} ${service} 5`,
    ])
  }
  return changePods(session, service, Number(replicas), flags, context)
}

function oneService(command: string, { environment }: Session, more = '') {
  return usageError(`One service is named to ${command}`, [
    `emr ${command} ${environment.name} ${environment.services[0]?.name}${more}`,
  ])
}

/** Reads, shows, asks, changes with the lock held, follows the pods, and records. */
async function changePods(
  session: Session,
  service: string,
  replicas: number | undefined,
  flags: PodsFlags,
  context: CommandContext,
): Promise<Report<PodsPlan | PodsResult>> {
  const { access, ports, plan } = await prepare(session, service, replicas)
  if (flags['dry-run']) {
    return { document: plan, text: `${podsPlanView(plan, stdoutTheme)}\nNothing was changed.` }
  }
  printNote(`${podsPlanView(plan, stderrTheme)}`)
  if (!isDone(plan)) {
    const action = `${plan.operation} ${service} in ${plan.environment}`
    await confirm(session.environment, action, { ...flags, ...context })
  }
  const timeout = flags.timeout ?? session.environment.rollout.timeout
  const result = await operate(access, await assignmentOf(access, plan, flags), (journal) =>
    carryOutPods(ports, plan, timeout, journal),
  )
  return { document: result, text: podsResultView(result, plan, stdoutTheme) }
}

async function prepare(session: Session, service: string, replicas: number | undefined) {
  const found = {} as { access: EnvironmentAccess; ports: PodsPorts; plan: PodsPlan }
  let blind: string[] = []
  await runTasks([
    {
      title: 'Reach the cluster',
      task: async () => {
        const access = await reachEnvironment(session)
        blind = await assertRights(access, replicas === undefined ? 'restart' : 'scale')
        const scaling = new Scaling(access.client, session.environment.namespace)
        const ports = { ...access.ports, scaling }
        Object.assign(found, { access, ports })
      },
    },
    {
      title: `Look at ${service}`,
      task: async () => {
        found.plan = await preparePods(found.ports, service, replicas)
      },
    },
  ])
  noteBlind(blind)
  return found
}

async function assignmentOf(
  { ports, sets, session }: EnvironmentAccess,
  { operation, service, replicas }: PodsPlan,
  flags: PodsFlags,
): Promise<Assignment> {
  const names = session.environment.services.map(({ name }) => name)
  const [before, known] = await Promise.all([
    liveStates(ports.helm, names, ports.signal),
    sets.list(ports.signal),
  ])
  return {
    operation,
    request: { services: [service], ...(replicas !== undefined && { replicas }) },
    before,
    waitMs: flags['wait-lock'] ?? 0,
    newest: known.at(-1)?.id,
  }
}

/** The one phase of a scale or a restart. */
export async function carryOutPods(
  ports: PodsPorts,
  plan: PodsPlan,
  timeout: number,
  journal: Journal,
): Promise<Ending<PodsResult>> {
  const tasks = () => runServices(podsTasks(ports, plan, timeout, journal))
  const [result] = await journal.phase('pods', ports.signal, tasks)
  if (result === undefined) throw new Error('no result of the only task')
  const failed = !['restarted', 'scaled', 'unchanged'].includes(result.outcome)
  return {
    outcome: ports.signal.aborted ? 'interrupted' : failed ? 'failed' : 'ready',
    ready: failed ? [] : [plan.service],
    ...(failed && { failure: result.failure?.finding.reason ?? result.error }),
    conclude: (reporting) => podsOutcome(ports, plan, result, reporting),
  }
}
