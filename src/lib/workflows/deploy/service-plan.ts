import type { ChartInput } from '../../adapters/helm/helm.ts'
import type { Release } from '../../adapters/helm/release.ts'
import type { KubernetesObject } from '../../adapters/kubernetes/types.ts'
import type { ServiceDefinition } from '../../domain/environment.ts'
import { plainTagOf } from '../../domain/image.ts'
import { type FieldChange, fieldChanges } from '../../domain/manifest/diff.ts'
import { objectKey, objectName, sameJson } from '../../domain/manifest/object.ts'
import type { ReleaseSet } from '../../domain/release/release-set.ts'
import { deploymentsOf, imageOf, manifestDigest, notInstalled, stateOf } from '../release-state.ts'
import { isPaused, pausedWarning } from './paused.ts'
import { scaleTakenBack } from './scale-taken-back.ts'
import type { DeployPorts, ObjectChange, ServiceAction, ServicePlan, Warning } from './types.ts'

interface Context {
  ports: DeployPorts
  service: ServiceDefinition
  wave: number
  /** Undefined: none was asked for. */
  tag: string | undefined
  change: Record<string, string> | undefined
  clusterVersion: string
  /** Of the environment, oldest first. */
  sets: ReleaseSet[]
}

export interface Planned {
  plan: ServicePlan
  /** What stands in the way of it. */
  problems: string[]
  warnings: Warning[]
}

/** Reads one service's release, renders its chart and asks the API server what would change. */
export async function planService(context: Context): Promise<Planned> {
  const { ports, service, change, sets } = context
  const { helm, signal } = ports
  const release = await helm.status(service.name, { signal })
  // Where helm's records are gone, the Deployment itself knows what runs.
  const running = isInstalled(release) ? undefined : await ports.workloads.image(service.name, signal)
  const { input, keptTag } = await inputOf(context, release, running)
  const { objects, hooks } = await helm.template(input, { signal, kubeVersion: context.clusterVersion })
  const released = release?.objects ?? []
  const { changes, problems, paused } = await compare(ports, service.name, released, objects)
  const plan: ServicePlan = {
    service: service.name,
    action: actionOf(release, objects, hooks, changes),
    wave: context.wave,
    revision: release?.revision,
    before: stateOf(release),
    image: { before: running ?? imageOf(release?.objects), after: imageOf(objects) },
    keptTag,
    changes,
    manifest: manifestDigest([...objects, ...hooks]),
    deployments: deploymentsOf(objects),
    hookJobs: hooks.filter(({ kind }) => kind === 'Job').map(({ metadata }) => metadata?.name ?? ''),
    input,
  }
  const environment = ports.environment.name
  return {
    plan,
    problems: [...problems, ...stoppedBy(paused, changes, ports)].map(
      (problem) => `${service.name}: ${problem}`,
    ),
    warnings: [
      ...scaleTakenBack({ environment, service: service.name, released, changes, change, sets }),
      ...paused.map((name) => pausedWarning(name, ports)),
    ],
  }
}

/** The paused Deployments whose pods this would change: it would wait for them in vain. */
function stoppedBy(paused: string[], changes: ObjectChange[], ports: DeployPorts): string[] {
  const replaces = (name: string) =>
    changes.some(
      ({ object, fields }) =>
        object === `Deployment/${name}` && fields.some(({ path }) => path.startsWith('spec.template')),
    )
  return paused.filter(replaces).map((name) => {
    const { message, suggestions } = pausedWarning(name, ports)
    return `${message}; ${suggestions.join()}`
  })
}

async function inputOf(
  { ports, service, tag, change }: Context,
  release: Release | undefined,
  running: string | undefined,
): Promise<{ input: ChartInput; keptTag?: string }> {
  const { name, chart, values } = service
  if (change === undefined) {
    const keptTag = tag === undefined ? await tagToKeep(ports.helm, service, release, running) : undefined
    return { input: { release: name, chart, values, set: settings(ports, tag ?? keptTag) }, keptTag }
  }
  if (!isInstalled(release)) throw notInstalled(ports, name)
  return { input: { release: name, chart, values: [], set: {}, change } }
}

function settings({ environment }: DeployPorts, tag: string | undefined): Record<string, string> {
  const { aws, name, namespace } = environment
  return {
    // Elsewhere the charts read the environment from the namespace.
    ...(namespace !== `emr-platform-${name}` && { 'global.environment': name }),
    ...(aws && { 'global.aws.accountId': aws.accountId, 'global.aws.region': aws.region }),
    ...(tag && { 'image.tag': tag }),
  }
}

/**
 * A deploy that names no tag must not take the running version away: its tag stays, unless files pin it.
 * @param running the image that runs without a release
 */
async function tagToKeep(
  helm: DeployPorts['helm'],
  service: ServiceDefinition,
  release: Release | undefined,
  running: string | undefined,
): Promise<string | undefined> {
  const set = (release?.values.image ?? {}) as { tag?: unknown }
  const tag = running === undefined ? set.tag : plainTagOf(running)
  if (typeof tag !== 'string' || tag === '' || (await helm.pinsImage(service.values))) return undefined
  return tag
}

function isInstalled(release: Release | undefined): release is Release {
  return release !== undefined && release.status !== 'uninstalled'
}

function actionOf(
  release: Release | undefined,
  objects: KubernetesObject[],
  hooks: KubernetesObject[],
  changes: ObjectChange[],
): ServiceAction {
  if (!isInstalled(release)) return 'install'
  if (release.status.startsWith('pending-')) return 'recover'
  const sameManifest = sameObjects(release.objects, objects) && sameObjects(release.hooks, hooks)
  if (!sameManifest) return 'upgrade'
  return release.status === 'deployed' && changes.length === 0 ? 'unchanged' : 'repair'
}

function sameObjects(before: KubernetesObject[], after: KubernetesObject[]): boolean {
  const known = new Map(before.map((object) => [objectKey(object), object]))
  return (
    before.length === after.length && after.every((object) => sameJson(known.get(objectKey(object)), object))
  )
}

async function compare(
  { live, signal }: DeployPorts,
  release: string,
  previous: KubernetesObject[],
  rendered: KubernetesObject[],
): Promise<{ changes: ObjectChange[]; problems: string[]; paused: string[] }> {
  const before = new Map(previous.map((object) => [objectKey(object), object]))
  const problems: string[] = []
  const paused: string[] = []
  const compared = await Promise.all(
    rendered.map(async (object): Promise<ObjectChange | undefined> => {
      const preview = await live.preview(before.get(objectKey(object)), object, signal)
      if (preview.state === 'absent') return change('create', object)
      if (preview.state === 'refused') {
        problems.push(`${objectName(object)}: ${preview.message}`)
        return undefined
      }
      if (!before.has(objectKey(object)) && ownerOf(preview.live) !== release) {
        problems.push(`${objectName(object)} exists already and does not belong to the release ${release}`)
      }
      if (isPaused(preview.applied)) paused.push(object.metadata?.name ?? '')
      const fields = maskSecret(object, fieldChanges(preview.live, preview.applied))
      return fields.length === 0 ? undefined : change('update', object, fields)
    }),
  )
  const kept = new Set(rendered.map(objectKey))
  const removed = previous.filter((object) => !kept.has(objectKey(object)) && !isKept(object))
  const changes = compared.filter((each) => each !== undefined)
  return { changes: [...changes, ...removed.map((object) => change('delete', object))], problems, paused }
}

function change(
  action: ObjectChange['action'],
  object: KubernetesObject,
  fields: FieldChange[] = [],
): ObjectChange {
  return { action, object: objectName(object), fields }
}

/** helm refuses to take over objects that it did not make for this release. */
function ownerOf(live: KubernetesObject): string | undefined {
  return live.metadata?.annotations?.['meta.helm.sh/release-name']
}

/** helm leaves such objects behind when they go out of a chart. */
function isKept(object: KubernetesObject): boolean {
  return object.metadata?.annotations?.['helm.sh/resource-policy'] === 'keep'
}

/** The values of a Secret are not shown: only that they differ. */
export function maskSecret(object: KubernetesObject, fields: FieldChange[]): FieldChange[] {
  if (object.kind !== 'Secret') return fields
  const masked = (value: unknown) => (value === undefined ? undefined : '(hidden)')
  return fields.map(({ path, before, after }) => ({ path, before: masked(before), after: masked(after) }))
}
