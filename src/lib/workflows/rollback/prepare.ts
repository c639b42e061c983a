import { isGood, type ReleaseSet, rollbackTarget } from '../../domain/release/release-set.ts'
import { EmrError, ExitCode, nearest } from '../../errors.ts'
import type { ReleasePorts } from '../deploy/change-service.ts'
import { liveStates, stateOf } from '../release-state.ts'
import { planSet } from './plan.ts'
import type { RollbackFacts, RollbackPlan, RollbackRequest } from './types.ts'

/**
 * Reads what decides what a rollback would do, and changes nothing.
 * @param sets of the environment, oldest first
 * @throws {EmrError} SERVICE_UNKNOWN, SET_UNKNOWN (2); NO_GOOD_SET, REVISION_GONE (4)
 */
export async function prepareRollback(
  ports: ReleasePorts,
  sets: ReleaseSet[],
  request: RollbackRequest,
): Promise<RollbackPlan> {
  assertRequest(ports, sets, request)
  const { revision } = request
  const [service] = request.services
  if (revision !== undefined && service !== undefined) {
    const record = { after: await stateAt(ports, service, revision) }
    return planSet(ports, { [service]: record }, { only: [service], live: {} })
  }
  const live = await liveStates(ports.helm, knownServices(ports, sets), ports.signal)
  const set = chooseSet({ sets, live }, request, ports.environment.name)
  const plan = await planSet(ports, set.services, { only: request.services, live })
  return { ...plan, set: { id: set.id, startedAt: set.startedAt, proven: isGood(set) } }
}

/**
 * Whether there are the services and the set that a rollback names.
 * @throws {EmrError} SERVICE_UNKNOWN, SET_UNKNOWN (2)
 */
export function assertRequest(
  ports: Pick<ReleasePorts, 'environment'>,
  sets: ReleaseSet[],
  { services, to }: RollbackRequest,
): void {
  assertKnown(services, knownServices(ports, sets))
  if (to !== undefined) namedSet(sets, to, ports.environment.name)
}

/** The services of the configuration, and those of the sets. */
export function knownServices(
  { environment }: Pick<ReleasePorts, 'environment'>,
  sets: ReleaseSet[],
): string[] {
  const recorded = sets.flatMap(({ services }) => Object.keys(services))
  return [...new Set([...environment.services.map(({ name }) => name), ...recorded])]
}

function assertKnown(services: string[], known: string[]): void {
  const unknown = services.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const close = nearest(unknown, [...known, 'all'])
  throw new EmrError(`There is no service '${unknown}'`, {
    code: 'SERVICE_UNKNOWN',
    exitCode: ExitCode.usage,
    suggestions: [close ? `did you mean '${close}'?` : `known services: ${known.join(', ')}, or all`],
  })
}

function chooseSet(
  { sets, live }: RollbackFacts,
  { to, services }: RollbackRequest,
  environment: string,
): ReleaseSet {
  const target = to === undefined ? rollbackTarget(sets, live, services) : namedSet(sets, to, environment)
  if (target) return target
  throw new EmrError(`${environment} has no earlier good state to go back to`, {
    code: 'NO_GOOD_SET',
    exitCode: ExitCode.preflight,
    suggestions: [
      `emr history ${environment}`,
      `name a revision: emr rollback ${environment} SERVICE --revision N`,
    ],
  })
}

/** The set with this id, or the only one whose id begins so. */
function namedSet(sets: ReleaseSet[], to: string, environment: string): ReleaseSet {
  const matches = sets.filter(({ id }) => id === to || id.startsWith(to))
  const [match] = matches
  if (match && matches.length === 1) return match
  throw new EmrError(
    match ? `'${to}' fits ${matches.length} release sets` : `There is no release set '${to}'`,
    {
      code: 'SET_UNKNOWN',
      exitCode: ExitCode.usage,
      suggestions: [`emr history ${environment}`],
      details: { known: sets.map(({ id }) => id) },
    },
  )
}

async function stateAt({ helm, signal }: ReleasePorts, service: string, revision: number) {
  const state = stateOf(await helm.status(service, { signal, revision }))
  if (state) return state
  const history = await helm.history(service, { signal })
  throw new EmrError(`${service} has no revision ${revision}`, {
    code: 'REVISION_GONE',
    exitCode: ExitCode.preflight,
    suggestions: [
      `helm keeps: ${history.map((each) => `${each.revision} (${each.status})`).join(', ') || 'none'}`,
    ],
  })
}
