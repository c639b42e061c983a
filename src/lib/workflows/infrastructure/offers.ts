import { quotaDemand, type VersionDemand, versionDemands } from '../../domain/terraform/demands.ts'
import { checkQuota, checkVersion, demandedQuotas, type OfferCheck } from '../../domain/terraform/offers.ts'
import type { PlannedResource } from '../../domain/terraform/plan.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { InfrastructurePlan, InfrastructurePorts } from './types.ts'

/**
 * Asks AWS, before anything is made, whether it will make what the plan asks for: the versions of its services, and
 * room in its quotas. What AWS does not tell is `unknown`, never good.
 */
export function checkOffers(
  { offeredVersions, quota }: Pick<InfrastructurePorts, 'offeredVersions' | 'quota'>,
  resources: readonly PlannedResource[],
): Promise<OfferCheck[]> {
  const demand = quotaDemand(resources)
  return Promise.all([
    ...distinct(versionDemands(resources)).map((wanted) =>
      orUnknown(`version.${wanted.service}`, async () =>
        checkVersion(wanted, await offeredVersions(wanted.service)),
      ),
    ),
    ...demandedQuotas(demand).map((name) =>
      orUnknown(`quota.${name}`, async () => checkQuota(name, demand, await quota(name))),
    ),
  ])
}

/** @throws {EmrError} AWS_WOULD_REFUSE (4) with every problem and what to write instead */
export function assertOffered({ checks }: Pick<InfrastructurePlan, 'checks'>): void {
  const problems = checks.filter(({ status }) => status === 'problem')
  if (problems.length === 0) return
  const lines = problems.map(({ detail }) => `  ${detail}`)
  throw new EmrError(['AWS would refuse this plan halfway:', ...lines].join('\n'), {
    code: 'AWS_WOULD_REFUSE',
    exitCode: ExitCode.preflight,
    suggestions: problems.flatMap(({ fix }) => fix ?? []),
    details: { checks: problems },
  })
}

/** One question for each version: replicas have that of their primary. */
function distinct(demands: VersionDemand[]): VersionDemand[] {
  const seen = new Map(demands.map((demand) => [`${demand.service} ${demand.version}`, demand]))
  return [...seen.values()]
}

async function orUnknown(id: string, look: () => Promise<OfferCheck>): Promise<OfferCheck> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof EmrError) || error.exitCode === ExitCode.interrupted) throw error
    return { id, status: 'unknown', detail: error.message, fix: error.suggestions[0] }
  }
}
