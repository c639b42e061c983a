import type { ReleaseSet } from '../../domain/release/release-set.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { DeployPlan } from './types.ts'

/**
 * The deploy that was cut off or interrupted, to be taken up again.
 * @param sets of the environment, oldest first
 * @param atWork id of the operation that holds the lock and lives
 * @throws {EmrError} NOTHING_TO_RESUME, or RESUME_UNSAFE where it was on its way back (4)
 */
export function unfinishedDeploy(sets: ReleaseSet[], environment: string, atWork?: string): ReleaseSet {
  const last = sets.at(-1)
  const isOpen = last && ['running', 'abandoned', 'interrupted'].includes(last.outcome)
  if (last && isOpen && last.operation === 'deploy') {
    if (last.phases.some(({ name }) => name === 'rollback')) throw wasGoingBack(last, environment)
    return last
  }
  const what = last
    ? `the last operation was ${last.operation} ${last.id}, and it ${endOf(last, atWork)}`
    : 'nothing was deployed yet'
  throw new EmrError(`There is nothing to resume in ${environment}: ${what}`, {
    code: 'NOTHING_TO_RESUME',
    exitCode: ExitCode.preflight,
    suggestions:
      last?.operation === 'rollback' && isOpen
        ? [
            `emr rollback ${environment} ${last.request.services.join(' ') || 'all'}${last.request.to ? ` --to ${last.request.to}` : ''}`,
          ]
        : [`emr history ${environment}`, `emr deploy ${environment}`],
  })
}

function endOf({ id, outcome }: ReleaseSet, atWork: string | undefined): string {
  if (id === atWork) return 'is at work'
  return outcome === 'running' || outcome === 'abandoned' ? 'was cut off' : `ended: ${outcome}`
}

/** Taking such a deploy up would bring back what was just found to fail. */
function wasGoingBack({ id, failure }: ReleaseSet, environment: string): EmrError {
  const why = failure ? ` (${failure})` : ''
  return new EmrError(`Deploy ${id} had failed${why} and was on its way back when it was cut off`, {
    code: 'RESUME_UNSAFE',
    exitCode: ExitCode.preflight,
    suggestions: [
      `go back: emr rollback ${environment} all`,
      `or deploy another tag: emr deploy ${environment} --tag TAG`,
    ],
  })
}

/** @throws {EmrError} RESUME_UNSAFE (4) when the charts or values are not those of the deploy that is taken up */
export function assertSameCharts(unfinished: ReleaseSet, plan: DeployPlan): void {
  const { planned = {} } = unfinished
  const changed = plan.services.filter(({ service, manifest }) => planned[service] !== manifest)
  if (changed.length === 0) return
  const names = changed.map(({ service }) => service)
  throw new EmrError(
    `Deploy ${unfinished.id} cannot be resumed: the charts or values have changed since, of ${names.join(', ')}`,
    {
      code: 'RESUME_UNSAFE',
      exitCode: ExitCode.preflight,
      details: { services: names },
      suggestions: [`deploy afresh: emr deploy ${plan.environment}`],
    },
  )
}
