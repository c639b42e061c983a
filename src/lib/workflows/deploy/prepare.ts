import type { Environment, ServiceDefinition } from '../../domain/environment.ts'
import type { ReleaseSet } from '../../domain/release/release-set.ts'
import { wavesOf } from '../../domain/waves.ts'
import { EmrError, ExitCode, nearest } from '../../errors.ts'
import { unreadable } from '../../files.ts'
import { foreignAccounts } from '../values-account.ts'
import { type Planned, planService } from './service-plan.ts'
import type { DeployPlan, DeployPorts, DeployRequest, ServicePlan, Warning } from './types.ts'

/**
 * Refuses what is wrong with a request by itself, before anything is reached.
 * @returns the services to deploy
 * @throws {EmrError} USAGE (2) for unknown services and tags that nothing gets; PREFLIGHT (4) for files that are missing or of another account
 */
export async function checkRequest(
  environment: Environment,
  request: DeployRequest,
): Promise<ServiceDefinition[]> {
  const services = selectServices(environment.services, request)
  await assertFiles(services)
  // A change of what runs takes nothing from the files.
  const foreign = request.change ? [] : await foreignAccounts(environment, services)
  if (foreign.length > 0) throw preflightError(foreign)
  return services
}

/**
 * Reads everything that decides what a deploy would do, and changes nothing.
 * @param sets of the environment, oldest first
 * @throws {EmrError} USAGE (2) for unknown services; PREFLIGHT (4) with all problems at once
 */
export async function prepareDeploy(
  ports: DeployPorts,
  request: DeployRequest,
  sets: ReleaseSet[],
): Promise<DeployPlan> {
  const { environment, workloads, signal } = ports
  const services = await checkRequest(environment, request)
  const [clusterVersion, namespace] = await Promise.all([
    workloads.clusterVersion(signal),
    workloads.namespace(signal),
  ])
  const waves = wavesOf(services)
  const planned = await Promise.allSettled(
    waves.flatMap((wave, index) =>
      wave.map((service) => {
        const tag = request.tags[service.name] ?? request.tags['*']
        const { change } = request
        return planService({ ports, service, wave: index, tag, change, clusterVersion, sets })
      }),
    ),
  )
  signal.throwIfAborted()
  return {
    environment: environment.name,
    namespace: environment.namespace,
    createNamespace: namespace === undefined,
    clusterVersion,
    ...plansOrProblems(planned),
  }
}

function selectServices(all: ServiceDefinition[], request: DeployRequest): ServiceDefinition[] {
  const known = all.map(({ name }) => name)
  const named = [...request.services, ...Object.keys(request.tags).filter((name) => name !== '*')]
  const unknown = named.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const close = nearest(unknown, known)
    throw new EmrError(`There is no service '${unknown}'`, {
      code: 'SERVICE_UNKNOWN',
      exitCode: ExitCode.usage,
      suggestions: [close ? `did you mean '${close}'?` : `known services: ${known.join(', ')}`],
    })
  }
  if (request.services.length === 0) return all
  const unused = named.find((name) => !request.services.includes(name))
  if (unused !== undefined) {
    throw new EmrError(`A tag is given for ${unused}, which is not among the services to deploy`, {
      code: 'USAGE',
      exitCode: ExitCode.usage,
      suggestions: [`--services ${[...request.services, unused].join(',')}`],
    })
  }
  return all.filter(({ name }) => request.services.includes(name))
}

async function assertFiles(services: ServiceDefinition[]): Promise<void> {
  const files = services.flatMap(({ chart, values }) => [`${chart}/Chart.yaml`, ...values])
  const problems = await unreadable(files)
  if (problems.length > 0) throw preflightError(problems)
}

function plansOrProblems(
  planned: PromiseSettledResult<Planned>[],
): Pick<DeployPlan, 'services' | 'warnings'> {
  const problems: string[] = []
  const services: ServicePlan[] = []
  const warnings: Warning[] = []
  for (const result of planned) {
    if (result.status === 'fulfilled') {
      services.push(result.value.plan)
      problems.push(...result.value.problems)
      warnings.push(...result.value.warnings)
    } else if (result.reason instanceof EmrError && result.reason.code === 'CHART_INVALID') {
      problems.push(result.reason.message)
    } else {
      throw result.reason
    }
  }
  if (problems.length > 0) throw preflightError(problems)
  return { services, warnings }
}

function preflightError(problems: string[]): EmrError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  return new EmrError(
    [`The deploy cannot start: ${count}`, ...problems.map((each) => `  • ${each}`)].join('\n'),
    {
      code: 'PREFLIGHT',
      exitCode: ExitCode.preflight,
      details: { problems },
    },
  )
}
