import { eksParts } from './eks.ts'
import { cacheGroupMembers, cacheParameterGroups } from './elasticache.ts'
import type { Gap } from './gaps.ts'
import { kafka } from './kafka.ts'
import { offers } from './offers.ts'
import { databaseInstances } from './rds.ts'
import { backupSelections, bucketDocuments, scalingTags, trailsByArn } from './storage.ts'

/** Everything that moto 5 lacks of what this project calls, each with a memory of its own. */
export function gaps(): Gap[] {
  return [
    bucketDocuments(),
    backupSelections(),
    trailsByArn,
    scalingTags,
    eksParts(),
    kafka(),
    cacheParameterGroups(),
    cacheGroupMembers(),
    databaseInstances(),
    offers,
  ]
}
