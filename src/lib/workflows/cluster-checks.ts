import type { Freeze, Holder } from '../adapters/kubernetes/lock-holder.ts'
import type { RecordFacts } from '../domain/diagnosis/facts.ts'
import { recordedState } from '../domain/diagnosis/records.ts'
import type { Environment } from '../domain/environment.ts'
import { unexplainedVersions, unfinishedOperations } from '../domain/release/unfinished.ts'
import { type Right, rightText } from '../domain/rights.ts'
import type { DeploymentFacts } from '../domain/rollout/facts.ts'

export interface Check {
  /** Stable, for scripts: `tool.helm`, `cluster.rights`. */
  id: string
  /** `warning`: deploy can work; `problem`: it cannot. */
  status: 'good' | 'warning' | 'problem' | 'skipped'
  title: string
  detail: string
  /** The command or change that mends it. */
  fix?: string
}

/** In the place of what the identity may not read. */
export const UNKNOWN = 'unknown'
type Unknown = typeof UNKNOWN

/** One look at the cluster. */
export interface ClusterView {
  server: string
  /** What to type for kubectl to reach it. */
  kubectl: string
  version: string
  namespace: { exists: boolean; podSecurity: string | undefined } | Unknown
  /** What the identity may not do. */
  denied: Right[]
  /** API kinds that the charts need and the cluster lacks. */
  missingKinds: string[]
  /** Releases that a killed deploy left in the middle. */
  pendingReleases: string[] | Unknown
  lock: { holder: (Holder & { alive: boolean }) | undefined; freeze: Freeze | undefined } | Unknown
  /** Undefined where the records may not be read. */
  records: RecordFacts | undefined
  deployments: Pick<DeploymentFacts, 'service' | 'name' | 'version'>[]
}

/** What the view tells of a deploy's chances. */
export function clusterChecks(view: ClusterView, environment: Environment): Check[] {
  const { name, namespace } = environment
  return [
    rightsCheck(view, namespace),
    namespaceCheck(view, namespace),
    kindsCheck(view.missingKinds),
    ...releaseChecks(view.pendingReleases),
    ...lockChecks(view.lock, name),
    ...recordChecks(view, environment),
  ]
}

function rightsCheck({ denied: all, kubectl }: ClusterView, namespace: string): Check {
  const base = { id: 'cluster.rights', title: 'rights' }
  if (all.length === 0) return { ...base, status: 'good', detail: 'all that a deploy needs' }
  const denied = all.filter(({ purpose, when }) => purpose === 'work' && when === undefined)
  if (denied.length === 0) {
    const parts = all.map(
      (right) => `${rightText(right)} (${right.when ? `when ${right.when}` : 'explains'})`,
    )
    return {
      ...base,
      status: 'warning',
      detail: `not allowed: ${parts.join(', ')}`,
      fix: 'see docs/rights.md',
    }
  }
  const rights = denied.map(rightText)
  return {
    ...base,
    status: 'problem',
    detail: `not allowed: ${rights.join(', ')}`,
    fix: `ask for these rights in ${namespace}; check with: ${kubectl} auth can-i ${rights[0]} --namespace ${namespace}`,
  }
}

function namespaceCheck({ namespace: view, kubectl }: ClusterView, name: string): Check {
  const base = { id: 'cluster.namespace', title: 'namespace' }
  if (view === UNKNOWN) return notAllowed(base, 'get namespaces')
  const { exists, podSecurity } = view
  if (!exists) return { ...base, status: 'good', detail: `${name} does not exist yet; a deploy makes it` }
  if (podSecurity === 'restricted')
    return { ...base, status: 'good', detail: `${name}, Pod Security restricted` }
  return {
    ...base,
    status: 'warning',
    detail: `${name} does not enforce Pod Security restricted`,
    fix: `${kubectl} label namespace ${name} pod-security.kubernetes.io/enforce=restricted`,
  }
}

function kindsCheck(missing: string[]): Check {
  const base = { id: 'cluster.kinds', title: 'API kinds' }
  if (missing.length === 0) return { ...base, status: 'good', detail: 'all that the charts need' }
  return {
    ...base,
    status: 'problem',
    detail: `the cluster does not know ${missing.join(', ')}`,
    fix: 'install the operator that brings them (External Secrets: helm install external-secrets)',
  }
}

function releaseChecks(pending: ClusterView['pendingReleases']): Check[] {
  if (pending === UNKNOWN) return [notAllowed({ id: 'cluster.releases', title: 'releases' }, 'list secrets')]
  if (pending.length === 0) return []
  const detail = `left in the middle: ${pending.join(', ')}`
  return [
    { id: 'cluster.releases', title: 'releases', status: 'warning', detail, fix: 'emr deploy mends them' },
  ]
}

/** What a later operation meets, and what nobody has recorded; a deploy can work all the same. */
function recordChecks({ records, deployments }: ClusterView, { name, services }: Environment): Check[] {
  if (records === undefined) return []
  const base = { id: 'cluster.operations', title: 'operations', status: 'warning' as const }
  const names = services.map((service) => service.name)
  const state = recordedState(name, names, records, deployments)
  const checks: Check[] = [
    ...unfinishedOperations(state).map(({ message, resolve }) => {
      return { ...base, detail: message, fix: resolve.join(', or ') }
    }),
    ...unexplainedVersions(state).map(({ message }) => ({
      ...base,
      detail: message,
      fix: `emr history ${name}`,
    })),
    ...records.damaged.map((each) => ({
      ...base,
      detail: `ConfigMap/${each} holds no record that emr can read`,
    })),
  ]
  return checks.length > 0 ? checks : [{ ...base, status: 'good', detail: 'none is unfinished' }]
}

function lockChecks(lock: ClusterView['lock'], name: string): Check[] {
  const base = { id: 'cluster.lock', title: 'lock' }
  if (lock === UNKNOWN) return [notAllowed(base, 'get leases.coordination.k8s.io')]
  const { holder, freeze } = lock
  const checks: Check[] = []
  if (freeze !== undefined) {
    const detail = `frozen by ${freeze.by} since ${freeze.since}: ${freeze.reason}`
    checks.push({ ...base, status: 'problem', detail, fix: `emr unlock ${name}` })
  }
  if (holder !== undefined) {
    const { operation, id, by, host, pid, since } = holder
    const who = `${operation} ${id} of ${by} (process ${pid} on ${host}), since ${since}`
    const [detail, fix] = holder.alive
      ? [`held by ${who}`, 'wait for it: emr deploy --wait-lock 10m']
      : [`left by ${who}, cut off`, `go on or back: emr deploy ${name} --resume, or emr rollback ${name} all`]
    checks.push({ ...base, status: 'warning', detail, fix })
  }
  return checks.length > 0 ? checks : [{ ...base, status: 'good', detail: 'free' }]
}

/** A refusal is no answer: neither free nor none. */
function notAllowed(base: Pick<Check, 'id' | 'title'>, right: string): Check {
  return { ...base, status: 'warning', detail: `not known: not allowed to ${right}` }
}
