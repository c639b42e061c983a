import { setLine } from '../command-line.ts'
import { tagOf } from '../image.ts'
import { patchOf, type ReleaseSet } from './release-set.ts'

/** The records of an environment beside what runs in it. */
export interface RecordedState {
  environment: string
  /** Its services, in the order of the configuration. */
  services: string[]
  /** Oldest first. */
  sets: ReleaseSet[]
  /** Id of the operation that holds the lock and lives; `unknown` where the lock could not be read. */
  atWork: string | undefined
  isLockKnown: boolean
  /** The tag that each Deployment has, by service; a service without one is missing. */
  running: Record<string, string | undefined>
}

/** An operation that did not get to its end, and that nothing has resolved since. */
export interface Unfinished {
  id: string
  operation: ReleaseSet['operation']
  by: string
  startedAt: string
  state: 'interrupted' | 'killed' | 'running or killed'
  /** Services that it has changed, or may have changed. */
  changed: string[]
  /** What every service runs now, `undefined` for a missing one. */
  versions: Record<string, string | undefined>
  message: string
  /** How to go on, the usual way first. */
  resolve: string[]
}

/** A version that no record explains. */
export interface UnexplainedVersion {
  service: string
  version: string
  /** What the newest record that knows the service left. */
  recorded: string | undefined
  message: string
}

/**
 * The operations that were interrupted or killed and are not resolved: not resumed, not rolled back, and no later
 * good operation has changed the same services.
 * @returns newest first
 */
export function unfinishedOperations(state: RecordedState): Unfinished[] {
  const { sets } = state
  return sets
    .filter((set, index) => isOpen(set, state) && !isResolved(set, sets.slice(index + 1)))
    .map((set) => unfinished(set, state))
    .reverse()
}

function isOpen({ id, outcome }: ReleaseSet, { atWork }: RecordedState): boolean {
  return outcome === 'interrupted' || outcome === 'abandoned' || (outcome === 'running' && id !== atWork)
}

/** Services that an operation was to change. */
function targetsOf({ request, services }: ReleaseSet): string[] {
  return request.services.length > 0 ? request.services : Object.keys(services)
}

/** Services that it has changed, as far as that is known: a killed operation may have changed each of them. */
function changedBy(set: ReleaseSet): string[] {
  const { operation, outcome, phases, services } = set
  if (operation === 'scale' || operation === 'restart') return patchOf(set) ? set.request.services : []
  if (outcome !== 'running') {
    const isChanged = ([, { before, after }]: [string, ReleaseSet['services'][string]]) =>
      before?.revision !== after?.revision
    return Object.entries(services)
      .filter(isChanged)
      .map(([name]) => name)
  }
  return phases.length > 0 ? targetsOf(set) : []
}

function isResolved(set: ReleaseSet, later: ReleaseSet[]): boolean {
  const good = later.filter(({ outcome }) => ['good', 'ready', 'rolled-back'].includes(outcome))
  const isSettled = (name: string) =>
    good.some(({ request }) => request.services.length === 0 || request.services.includes(name))
  const changed = changedBy(set)
  const rest = targetsOf(set).filter((name) => !changed.includes(name))
  // What it had not come to was done since.
  const isCompleted = rest.length > 0 && rest.every(isSettled)
  return changed.every(isSettled) || isCompleted
}

function unfinished(set: ReleaseSet, state: RecordedState): Unfinished {
  const { id, operation, by, startedAt, outcome } = set
  const isCertain = outcome !== 'running' || state.isLockKnown
  const ended = outcome === 'interrupted' ? 'interrupted' : isCertain ? 'killed' : 'running or killed'
  const was = ended === 'running or killed' ? 'is running or was killed' : `was ${ended}`
  const versions = Object.fromEntries(state.services.map((name) => [name, state.running[name]]))
  return {
    id,
    operation,
    by: by.name,
    startedAt,
    state: ended,
    changed: changedBy(set),
    versions,
    message: `${operation} ${id} of ${by.name} ${was} and is not resolved: ${versionsText(versions)}`,
    resolve: resolutionOf(set, state),
  }
}

/** `task-service, emr-service run 1.9.1; api-gateway runs 1.9.0` */
export function versionsText(versions: Record<string, string | undefined>): string {
  const groups = Map.groupBy(Object.keys(versions), (name) => versions[name])
  return [...groups]
    .map(([version, names]) => {
      const is = names.length === 1 ? 's' : ''
      return version === undefined
        ? `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} missing`
        : `${names.join(', ')} run${is} ${version}`
    })
    .join('; ')
}

function resolutionOf(set: ReleaseSet, { environment, sets }: RecordedState): string[] {
  const { operation, request, phases } = set
  const [service = ''] = request.services
  const back = `emr rollback ${environment} all`
  if (operation === 'scale') return [`emr scale ${environment} ${service} ${request.replicas ?? 'REPLICAS'}`]
  if (operation === 'restart') return [`emr restart ${environment} ${service}`]
  if (operation === 'set') return [setLine(environment, service, request.change ?? {}), back]
  if (operation === 'rollback') {
    const to = request.to === undefined ? '' : ` --to ${request.to}`
    return [`emr rollback ${environment} ${request.services.join(' ') || 'all'}${to}`]
  }
  const isLast = sets.at(-1)?.id === set.id
  if (isLast && !phases.some(({ name }) => name === 'rollback')) {
    return [`emr deploy ${environment} --resume`, back]
  }
  return [back, `emr deploy ${environment} --tag TAG`]
}

/**
 * Versions that differ from what the records say was left; without any record, several versions side by side. What an
 * operation at work or an unfinished one has done is no such.
 */
export function unexplainedVersions(state: RecordedState): UnexplainedVersion[] {
  const { services, sets, running } = state
  const open = unfinishedOperations(state).flatMap(({ changed }) => changed)
  const atWork = sets.filter(({ id, outcome }) => outcome === 'running' && id === state.atWork)
  const busy = new Set([...open, ...atWork.flatMap(targetsOf)])
  const known = services.filter((name) => running[name] !== undefined && !busy.has(name))
  if (sets.length === 0) return withoutRecords(known, running)
  return known.flatMap((service) => {
    const version = running[service] ?? ''
    const record = sets.findLast((set) => set.services[service] !== undefined)?.services[service]
    const recorded = tagOf((record?.after ?? record?.before)?.image)
    if (record === undefined || recorded === undefined || recorded === version) return []
    const message = `${service} runs ${version}, and the newest record says ${recorded}: it was changed without emr`
    return [{ service, version, recorded, message }]
  })
}

function withoutRecords(services: string[], running: RecordedState['running']): UnexplainedVersion[] {
  if (new Set(services.map((name) => running[name])).size < 2) return []
  const versions = Object.fromEntries(services.map((name) => [name, running[name]]))
  const message = `several versions run, and there is no record of a deploy: ${versionsText(versions)}`
  const [service = ''] = services
  return [{ service, version: running[service] ?? '', recorded: undefined, message }]
}
