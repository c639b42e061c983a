/** What one service's release is, in a form that can be compared across revisions. */
export interface ServiceState {
  /** helm's number; a later revision with the same manifest is the same state. */
  revision: number
  /** `task-service-0.1.0` */
  chart: string
  image: string | undefined
  /** Digests (SHA-256) of the values that were given, and of everything that was rendered. */
  values: string
  manifest: string
}

export interface ServiceRecord {
  before?: ServiceState
  after?: ServiceState
}

export type SetOutcome =
  /** Under way, or cut off before it could say how it ended. */
  | 'running'
  /** All services ready, and the smoke tests passed. */
  | 'good'
  /** All services ready; the smoke tests were not run. */
  | 'ready'
  /** Failed, and brought back to the good set in `restored`. */
  | 'rolled-back'
  | 'failed'
  | 'interrupted'
  /** Its process was killed; found by the next operation. */
  | 'abandoned'

/** Who does something, and where from. */
export interface Actor {
  /** STS identity, or user@host where there is no AWS account. */
  name: string
  host: string
  /** Address of the CI job. */
  run?: string
  commit?: string
}

/** One step of an operation, written before it starts and after it ended. */
interface Phase {
  name: string
  startedAt: string
  endedAt?: string
}

/** What is done to the releases of an environment, or to their pods. */
type Operation = 'deploy' | 'rollback' | 'set' | 'scale' | 'restart'

/** One operation on the releases of an environment, and what they were before and after it. */
export interface ReleaseSet {
  id: string
  operation: Operation
  environment: string
  by: Actor
  startedAt: string
  endedAt?: string
  outcome: SetOutcome
  /** What was asked for; enough to ask for it again. */
  request: {
    services: string[]
    tags?: Record<string, string>
    /** Values that were set. */
    change?: Record<string, string>
    to?: string
    replicas?: number
  }
  /** Digests of the manifests that were to be deployed, by service. */
  planned?: Record<string, string>
  phases: Phase[]
  /** Every service that the environment has, changed or not. */
  services: Record<string, ServiceRecord>
  /** The smoke tests have passed on what it left. */
  proven?: boolean
  /** The set whose state this one brought back. */
  restored?: string
  /** Why it failed, in a line. */
  failure?: string
}

export type LiveStates = Record<string, ServiceState | undefined>

/** True where the smoke tests have passed on what the set left: it may be gone back to. */
export function isGood({ proven }: ReleaseSet): boolean {
  return proven === true
}

/**
 * The phase in which a scale or a restart patches the cluster, where it has got to that. Its releases stay what they
 * are: nothing else tells.
 */
export function patchOf({ phases }: Pick<ReleaseSet, 'phases'>): Phase | undefined {
  return phases.find(({ name }) => name === 'patch')
}

/** True where all pods were ready in the end. */
function isReady({ outcome }: Pick<ReleaseSet, 'outcome'>): boolean {
  return outcome === 'good' || outcome === 'ready' || outcome === 'rolled-back'
}

/** True where the two are the same but for helm's numbers. */
export function sameState(a: ServiceState | undefined, b: ServiceState | undefined): boolean {
  return a?.manifest === b?.manifest && a?.values === b?.values
}

/** The names of the services that are not what the set left them as. */
function differing({ services }: ReleaseSet, live: LiveStates): string[] {
  return Object.keys(services).filter(
    (name) => services[name]?.after !== undefined && !sameState(services[name]?.after, live[name]),
  )
}

/** The names of the services that are not what they were before an operation. */
export function differingFrom(services: Record<string, ServiceRecord>, live: LiveStates): string[] {
  return Object.keys(services).filter((name) => services[name]?.before?.revision !== live[name]?.revision)
}

/**
 * The set to go back to: the newest good one that what runs has fallen away from or, where the newest good one is
 * what runs, the good one before it. Where no set was proven by smoke tests, one whose roll-outs were all ready does.
 * @param sets oldest first
 * @param only the services to go back with; empty for all
 */
export function rollbackTarget(
  sets: ReleaseSet[],
  live: LiveStates,
  only: string[] = [],
): ReleaseSet | undefined {
  const good = sets.filter(isGood)
  const candidates = good.length > 0 ? good : sets.filter(isReady)
  const wanted = (set: ReleaseSet) =>
    differing(set, live).filter((name) => only.length === 0 || only.includes(name)).length > 0
  const newest = candidates.at(-1)
  if (newest === undefined || wanted(newest)) return newest
  // What runs is good: step back from the set that made it so, not from a rollback to it. Where the rollback was of one
  // service, the others go back to that set now.
  const origin = originOf(newest, candidates)
  return candidates.slice(0, candidates.indexOf(origin) + 1).findLast(wanted)
}

/**
 * What a set may claim to have left: of one that may be gone back to, only states that were seen to work, now or in
 * the set before. A service that nobody looked at does not become good by standing beside others.
 * @param base the newest set that may be gone back to
 */
export function provenStates(
  { outcome, ready, proven }: Pick<ReleaseSet, 'outcome' | 'proven'> & { ready: string[] },
  live: LiveStates,
  base: ReleaseSet | undefined,
): LiveStates {
  if (!isReady({ outcome })) return live
  const all = proven === true && outcome !== 'rolled-back'
  const kept = Object.entries(live).filter(([name, state]) => {
    return all || ready.includes(name) || sameState(state, base?.services[name]?.after)
  })
  return Object.fromEntries(kept)
}

/** What speaks for a set that is gone back to, in a word. */
export function meritOf(set: ReleaseSet): string {
  return isGood(set) ? 'the last good one' : 'the last one that was ready; no smoke tests have proven it'
}

/** The newest set that an automatic rollback may take without a question. */
export function lastProven(sets: ReleaseSet[]): ReleaseSet | undefined {
  return sets.findLast(isGood) ?? sets.findLast(isReady)
}

/**
 * What operations that were cut off or interrupted after a set have left changed: nobody has found it good, and no
 * process is left that would go back.
 * @param sets oldest first
 */
export function leftChangedSince(set: ReleaseSet, sets: ReleaseSet[]): string[] {
  const since = sets.slice(sets.findIndex(({ id }) => id === set.id) + 1)
  return since
    .filter(({ outcome }) => outcome === 'abandoned' || outcome === 'interrupted')
    .flatMap(({ services }) => Object.entries(services))
    .filter(([, { before, after }]) => !sameState(before, after))
    .map(([name]) => name)
}

function originOf(set: ReleaseSet, sets: ReleaseSet[]): ReleaseSet {
  const before = sets.find(({ id }) => id === set.restored)
  return before === undefined ? set : originOf(before, sets)
}
