import { meritOf } from '../domain/release/release-set.ts'
import { messageOf } from '../errors.ts'
import { warningLines } from '../output/deploy-view.ts'
import { printNote } from '../output/door.ts'
import { runTasks } from '../output/task-list.ts'
import { stderrTheme } from '../output/theme.ts'
import { deployTasks } from '../workflows/deploy/deploy.ts'
import { deployOutcome } from '../workflows/deploy/outcome.ts'
import { prepareDeploy } from '../workflows/deploy/prepare.ts'
import type { ServiceTasks } from '../workflows/deploy/service-tasks.ts'
import type { DeployPlan, DeployRequest, DeployResult, ServiceResult } from '../workflows/deploy/types.ts'
import type { Journal } from '../workflows/record/journal.ts'
import { planRecovery, type Recovery, recoveryOf } from '../workflows/rollback/automatic.ts'
import { rollbackTasks } from '../workflows/rollback/rollback.ts'
import type { SmokeReport } from '../workflows/smoke-test/report.ts'
import { type Verification, verify } from '../workflows/smoke-test/verify.ts'
import type { EnvironmentAccess } from './environment-access.ts'
import type { Ending } from './operation.ts'

export interface DeployOptions {
  rollback: boolean
  verification: Verification
}

/** The phases of a deploy: services, smoke tests, and the way back where one of them failed. */
export async function carryOutDeploy(
  access: EnvironmentAccess,
  request: DeployRequest,
  planned: DeployPlan,
  options: DeployOptions,
  { journal, overtaken }: { journal: Journal; overtaken: boolean },
): Promise<Ending<DeployResult>> {
  const { ports } = access
  const { signal } = ports
  const startedAt = ports.now()
  const plan = overtaken ? await planAgain(access, request, planned) : planned
  const services = await journal.phase('services', signal, () =>
    runServices(deployTasks(ports, request, plan)),
  )
  const timedOut = ports.now() - startedAt >= request.timeoutMs
  const ready = services.every(({ outcome }) => outcome === 'deployed' || outcome === 'unchanged')
  const tested = () => verify(ports, options.verification)
  const smokeTests = ready ? await journal.laterPhase('smoke tests', signal, tested) : undefined
  const failed = !ready || smokeTests?.outcome === 'failed'
  const recovery =
    failed && !signal.aborted
      ? // What went wrong stays the news, even if the way back cannot be planned.
        await recover(access, request, { services, smokeTests }, options, journal).catch(
          (error: unknown): Recovery => {
            return { state: 'none', why: messageOf(error) }
          },
        )
      : undefined
  const run = {
    durationMs: ports.now() - startedAt,
    evidence: ports.evidence.folder,
    timedOut,
    smokeTests,
    recovery,
  }
  const interrupted = signal.aborted
  return {
    ...(interrupted ? { outcome: 'interrupted' } : closing(failed, smokeTests, recovery)),
    ready: readyOf(failed ? [] : services),
    ...(failed && { failure: failureOf(services, smokeTests) }),
    conclude: (reporting) => deployOutcome(ports, plan, services, { ...run, reporting }),
  }
}

/** Another operation was at work since the plan was made: what it has come to is told where it was not yet. */
async function planAgain(
  { ports, sets }: EnvironmentAccess,
  request: DeployRequest,
  { warnings }: DeployPlan,
): Promise<DeployPlan> {
  const plan = await prepareDeploy(ports, request, await sets.list(ports.signal))
  const news = plan.warnings.filter(({ message }) => !warnings.some((told) => told.message === message))
  for (const line of warningLines(news, stderrTheme)) printNote(`${line}`)
  return plan
}

/** Runs the tasks to their end. Never throws: the results say which of them failed. */
export async function runServices({ tasks, results, close }: ServiceTasks): Promise<ServiceResult[]> {
  try {
    await runTasks(tasks)
    return results()
  } catch (error) {
    return results(error)
  } finally {
    close()
  }
}

/** The services whose pods were seen ready. */
export function readyOf(services: ServiceResult[]): string[] {
  const isReady = ({ outcome }: ServiceResult) => ['deployed', 'unchanged', 'rolled-back'].includes(outcome)
  return services.filter(isReady).map(({ service }) => service)
}

async function recover(
  access: EnvironmentAccess,
  { concurrency }: DeployRequest,
  { services, smokeTests }: { services: ServiceResult[]; smokeTests: SmokeReport | undefined },
  { rollback, verification }: DeployOptions,
  journal: Journal,
): Promise<Recovery> {
  const { ports, sets } = access
  const earlier = (await sets.list(ports.signal)).filter(({ id }) => id !== ports.id)
  const way = await planRecovery(ports, earlier, services, smokeTests)
  if ('why' in way) return { state: 'none', why: way.why, set: way.set?.id }
  if (!rollback) return { state: 'none', why: 'it was turned off by --no-rollback', set: way.set.id }
  return journal.laterPhase('rollback', ports.signal, async () => {
    printNote(`Going back to release set ${way.set.id} (${meritOf(way.set)})`)
    for (const line of warningLines(way.plan.warnings, stderrTheme)) printNote(`${line}`)
    const limits = { concurrency, timeoutMs: ports.environment.rollout.timeout }
    const recovery = recoveryOf(way.set, way.plan, await runServices(rollbackTasks(ports, limits, way.plan)))
    if (recovery.state !== 'rolled-back') return recovery
    const report = await verify(ports, verification)
    if (report?.outcome === 'failed')
      return { ...recovery, state: 'failed', why: 'smoke tests fail there too' }
    return { ...recovery, proven: report?.outcome === 'passed' }
  })
}

function closing(
  failed: boolean,
  smokeTests: SmokeReport | undefined,
  recovery: Recovery | undefined,
): Pick<Ending<never>, 'outcome' | 'proven' | 'restored'> {
  if (recovery?.state === 'rolled-back') {
    const { set: restored, proven } = recovery
    return { outcome: 'rolled-back', proven, restored }
  }
  if (failed) return { outcome: 'failed' }
  const proven = smokeTests?.outcome === 'passed'
  return { outcome: proven ? 'good' : 'ready', proven }
}

/** Why the operation failed, in a line of its record. */
export function failureOf(services: ServiceResult[], smokeTests: SmokeReport | undefined): string {
  const failed = services.find(({ outcome }) => outcome === 'failed')
  if (failed) return `${failed.service}: ${failed.failure?.finding.reason ?? failed.error?.split('\n')[0]}`
  const test = smokeTests?.tests.find(({ outcome }) => outcome === 'failed')
  return test ? `smoke test '${test.name}'` : (smokeTests?.error ?? 'interrupted')
}
