import type { PlannedResource } from '../../src/lib/domain/terraform/plan.ts'

/** A resource that a plan makes anew, of which nothing is known yet. */
export function plannedResource(type: string, part: Partial<PlannedResource> = {}): PlannedResource {
  return {
    address: `${type}.main`,
    type,
    actions: ['create'],
    before: {},
    after: {},
    unknown: {},
    sensitive: { before: {}, after: {} },
    replacePaths: [],
    reason: undefined,
    ...part,
  }
}
