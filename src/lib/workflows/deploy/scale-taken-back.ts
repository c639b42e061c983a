import type { KubernetesObject } from '../../adapters/kubernetes/types.ts'
import { setLine } from '../../domain/command-line.ts'
import { objectName } from '../../domain/manifest/object.ts'
import type { ReleaseSet } from '../../domain/release/release-set.ts'
import type { ObjectChange, Warning } from './types.ts'

/** The value of the charts that an autoscaler's minimum comes from. */
const MINIMUM = 'autoscaling.minReplicas'

interface Change {
  environment: string
  service: string
  /** The objects as the release has them. */
  released: KubernetesObject[]
  /** What would become of the live ones. */
  changes: ObjectChange[]
  /** The values of an `emr set`; undefined for a deploy. */
  change: Record<string, string> | undefined
  /** Of the environment, oldest first. */
  sets: ReleaseSet[]
}

/**
 * The numbers of pods that `emr scale` has set beside the release, and that a change of the release would take back.
 * None where an `emr set` names the minimum itself: that is what it is for.
 */
export function scaleTakenBack({ environment, service, released, changes, change, sets }: Change): Warning[] {
  if (change && MINIMUM in change) return []
  return changes.flatMap(({ object, fields }) => {
    const field = object.startsWith('HorizontalPodAutoscaler/') ? 'minReplicas' : 'replicas'
    const { before, after } = fields.find(({ path }) => path === `spec.${field}`) ?? {}
    const scale = sets.findLast(({ operation, request: { services, replicas } }) => {
      return operation === 'scale' && services.includes(service) && replicas === before
    })
    if (scale === undefined || before === specOf(released, object)?.[field]) return []
    const again = `emr scale ${environment} ${service} ${before}`
    const keep = change
      ? setLine(environment, service, { ...change, [MINIMUM]: String(before) })
      : `${MINIMUM}: ${before} in the values files`
    return {
      message: `This takes back ${again} of ${scale.startedAt} by ${scale.by.name}: ${field} ${before} → ${after}`,
      suggestions: [
        ...(field === 'minReplicas' ? [`keep it: ${keep}`] : []),
        `bring it back afterwards: ${again}`,
      ],
    }
  })
}

function specOf(objects: KubernetesObject[], name: string): Record<string, unknown> | undefined {
  const found = objects.find((object) => objectName(object) === name)
  return (found as { spec?: Record<string, unknown> } | undefined)?.spec
}
