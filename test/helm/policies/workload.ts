import { containersOf, type Kubernetes, nameOf, ofKind, selects, workloads } from '../objects.ts'
import type { Release } from '../render.ts'
import type { Kinds } from '../schema/kinds.ts'

/** A Deployment without one of these is unreachable, undrainable, unscaled or unprotected. */
export function companions({ objects }: Release): string[] {
  return ofKind(objects, 'Deployment').flatMap((deployment) => {
    const name = deployment.metadata?.name
    const labels = deployment.spec?.template.metadata?.labels
    const matching = {
      Service: ofKind(objects, 'Service').filter((each) => selects(each.spec?.selector, labels)),
      PodDisruptionBudget: ofKind(objects, 'PodDisruptionBudget').filter((each) =>
        selects(each.spec?.selector?.matchLabels, labels),
      ),
      NetworkPolicy: ofKind(objects, 'NetworkPolicy').filter((each) =>
        selects(each.spec?.podSelector.matchLabels, labels),
      ),
      HorizontalPodAutoscaler: ofKind(objects, 'HorizontalPodAutoscaler').filter(
        (each) => each.spec?.scaleTargetRef.kind === 'Deployment' && each.spec.scaleTargetRef.name === name,
      ),
    }
    return Object.entries(matching)
      .filter(([, found]) => found.length !== 1)
      .map(([kind, found]) => `Deployment/${name}: ${found.length} of kind ${kind}, wanted 1`)
  })
}

/** A selector cannot change once it is in the cluster, and a chart version in the pods would restart them. */
export function stableLabels({ objects }: Release): string[] {
  return ofKind(objects, 'Deployment').flatMap((deployment) => {
    const selector = deployment.spec?.selector.matchLabels ?? {}
    const labels = deployment.spec?.template.metadata?.labels ?? {}
    const keys = Object.keys(selector).sort().join(' ')
    const faults = []
    if (keys !== 'app.kubernetes.io/instance app.kubernetes.io/name') faults.push(`selector has ${keys}`)
    if (!selects(selector, labels)) faults.push('selector does not pick its own pods')
    if ('helm.sh/chart' in labels) faults.push('helm.sh/chart in the pod template')
    return faults.map((fault) => `${nameOf(deployment as Kubernetes)}: ${fault}`)
  })
}

/** Old revisions to go back to, an end to a roll-out that hangs, and never fewer pods than before. */
export function rollout({ objects }: Release): string[] {
  return ofKind(objects, 'Deployment').flatMap((deployment) => {
    const { spec } = deployment
    const faults = []
    if (spec?.replicas !== undefined) faults.push('replicas under an autoscaler')
    if (spec?.revisionHistoryLimit !== 5) faults.push('revisionHistoryLimit is not 5')
    if (spec?.progressDeadlineSeconds !== 240) faults.push('progressDeadlineSeconds is not 240')
    if (spec?.strategy?.rollingUpdate?.maxUnavailable !== 0) faults.push('maxUnavailable is not 0')
    return faults.map((fault) => `${nameOf(deployment as Kubernetes)}: ${fault}`)
  })
}

export function probes({ objects }: Release): string[] {
  return ofKind(objects, 'Deployment').flatMap((deployment) =>
    (deployment.spec?.template.spec?.containers ?? []).flatMap((container) => {
      const { startupProbe: startup, livenessProbe: live, readinessProbe: ready } = container
      const faults = []
      if (!startup?.httpGet || !live?.httpGet || !ready?.httpGet)
        faults.push('one of the three probes is missing')
      if (live?.httpGet?.path === ready?.httpGet?.path) faults.push('live and ready share a path')
      const budget = (startup?.periodSeconds ?? 10) * (startup?.failureThreshold ?? 3)
      if (budget >= (deployment.spec?.progressDeadlineSeconds ?? 600)) {
        faults.push(`may start for ${budget} s, longer than the roll-out's deadline`)
      }
      return faults.map((fault) => `container ${container.name}: ${fault}`)
    }),
  )
}

/** Requests still come in for some seconds after a pod was told to end. `preStop.sleep` is not on 1.28. */
export function gracefulEnd({ objects }: Release): string[] {
  return ofKind(objects, 'Deployment').flatMap((deployment) => {
    const spec = deployment.spec?.template.spec
    return (spec?.containers ?? []).flatMap(({ name, lifecycle }) => {
      const [command, seconds] = lifecycle?.preStop?.exec?.command ?? []
      const grace = spec?.terminationGracePeriodSeconds ?? 0
      const sleeps = command === 'sleep' && Number(seconds) > 0
      return sleeps && Number(seconds) < grace
        ? []
        : [`container ${name}: preStop must sleep by exec, less than the grace period of ${grace} s`]
    })
  })
}

/** A memory limit keeps one pod from taking the node; requests are what scheduling and scaling count with. */
export function resources({ objects }: Release): string[] {
  return workloads(objects).flatMap(({ name, spec }) =>
    containersOf(spec)
      .filter(({ resources: r }) => !r?.requests?.cpu || !r.requests.memory || !r.limits?.memory)
      .map((container) => `${name}: container ${container.name} lacks requests or a memory limit`),
  )
}

export function autoscaling({ objects, environment }: Release): string[] {
  const least = environment === 'production' ? 3 : 2
  return ofKind(objects, 'HorizontalPodAutoscaler').flatMap(({ apiVersion, metadata, spec }) => {
    const min = spec?.minReplicas ?? 1
    const faults = []
    if (apiVersion !== 'autoscaling/v2') faults.push('is not v2')
    if (min < least) faults.push(`minReplicas ${min}, wanted at least ${least}`)
    if ((spec?.maxReplicas ?? 0) <= min) faults.push('has no room to grow')
    if (!spec?.behavior?.scaleUp || !spec.behavior.scaleDown) faults.push('has no behavior')
    return faults.map((fault) => `HorizontalPodAutoscaler/${metadata?.name}: ${fault}`)
  })
}

export function disruption({ objects }: Release): string[] {
  return ofKind(objects, 'PodDisruptionBudget')
    .filter(({ spec }) => spec?.maxUnavailable !== 1 || spec.unhealthyPodEvictionPolicy !== 'AlwaysAllow')
    .map(({ metadata }) => `PodDisruptionBudget/${metadata?.name}: wanted maxUnavailable 1 and AlwaysAllow`)
}

/** Pods of one revision over zones (strictly so in production) and nodes. */
export function spread({ objects, environment }: Release): string[] {
  const zoneRule = environment === 'production' ? 'DoNotSchedule' : 'ScheduleAnyway'
  return ofKind(objects, 'Deployment').flatMap((deployment) => {
    const over = (key: string) => constraintOver(deployment, key)
    const faults = []
    if (over('topology.kubernetes.io/zone')?.whenUnsatisfiable !== zoneRule)
      faults.push(`zones: not ${zoneRule}`)
    if (!over('kubernetes.io/hostname')) faults.push('no spread over nodes')
    return faults.map((fault) => `${nameOf(deployment as Kubernetes)}: ${fault}`)
  })
}

function constraintOver(deployment: Kinds['Deployment'], topologyKey: string) {
  const labels = deployment.spec?.template.metadata?.labels
  return deployment.spec?.template.spec?.topologySpreadConstraints?.find(
    (each) => each.topologyKey === topologyKey && selects(each.labelSelector?.matchLabels, labels),
  )
}

/** Hooks run outside a release and survive it; `helm test` is the only use for one. */
export function hooks({ objects }: Release): string[] {
  return objects
    .filter((object) => (object.metadata?.annotations?.['helm.sh/hook'] ?? 'test') !== 'test')
    .map((object) => `${nameOf(object)}: hook ${object.metadata?.annotations?.['helm.sh/hook']}`)
}
