import { formatDuration } from '../duration.ts'
import { isLive, newestReplicaSet, type PodFacts, type ReplicaSetFacts } from '../rollout/facts.ts'
import {
  hookFinding,
  notReadyFinding,
  pausedFinding,
  replicaSetFinding,
  scaledToZeroFinding,
  stalledRolloutFinding,
} from '../rollout/findings.ts'
import { latest } from '../rollout/latest.ts'
import { DEPLOY } from './advice.ts'
import type { Finding } from './catalogue.ts'
import type { AutoscalerFacts, EnvironmentFacts, ExternalSecretFacts, WorkloadFacts } from './facts.ts'

/** A share of a quota above this is worth a word. */
const QUOTA_SHARE = 0.9
const PENDING_CLAIM_MS = 60_000
/** external-secrets reports within seconds. */
const UNREPORTED_MS = 120_000

type Known = Partial<EnvironmentFacts>

/** Services that the environment should have, and has no Deployment of. */
export function missingFindings({ deployments }: Known, services: string[]): Finding[] {
  if (deployments === undefined) return []
  const known = new Set(deployments.map(({ service, name }) => service ?? name))
  return services
    .filter((service) => !known.has(service))
    .map((service) => ({
      code: 'DEPLOYMENT_GONE',
      object: { kind: 'Deployment', name: service, uid: '' },
      service,
      reason: 'NotFound',
      message: 'the configuration names the service, and the cluster has no Deployment of it',
      field: 'services',
      advice: `deploy it: ${DEPLOY}`,
    }))
}

/** What the releases of the services have, and the cluster has not. Services and Deployments have rules of their own. */
export function goneFindings(facts: Known, services: string[]): Finding[] {
  const live: Record<string, { name: string }[] | undefined> = {
    Ingress: facts.ingresses,
    HorizontalPodAutoscaler: facts.autoscalers,
    PodDisruptionBudget: facts.budgets,
    NetworkPolicy: facts.policies,
    ExternalSecret: facts.externalSecrets,
    PersistentVolumeClaim: facts.claims,
    ResourceQuota: facts.quotas,
    ConfigMap: facts.configMaps,
    ServiceAccount: facts.serviceAccounts,
  }
  const deployed = (facts.releases ?? []).filter(({ name }) => services.includes(name))
  return deployed.flatMap(({ name: service, objects }) => {
    const gone = objects.filter(({ kind, name }) => live[kind]?.every((each) => each.name !== name))
    return gone.map(({ kind, name }) => ({
      code: 'OBJECT_GONE',
      object: { kind, name, uid: '' },
      service,
      // In the charts of the platform, the Secret that it makes has its name.
      ...(kind === 'ExternalSecret' && { secret: name }),
      reason: 'NotFound',
      message: 'its release has it, and the cluster does not',
      field: 'manifest',
      advice: `bring it back: ${DEPLOY}`,
    }))
  })
}

/** Deployments and their newest ReplicaSets. */
export function deploymentFindings({
  deployments = [],
  replicaSets = [],
  pods = [],
  events = [],
}: Known): Finding[] {
  return deployments.flatMap((deployment) => {
    const set = newestReplicaSet(deployment, replicaSets)
    const own = pods.filter(({ owner }) => owner !== undefined && owner === set?.uid)
    const unready = own.find((pod) => !pod.ready && isLive(pod))
    const found = [...rolloutFindings(deployment, set, unready)]
    if (deployment.deadlineExceeded !== undefined && unready?.phase === 'Running') {
      const about = events.filter(({ about: uid }) => uid === unready.uid)
      const ended = { reason: 'ProgressDeadlineExceeded', message: deployment.deadlineExceeded }
      found.push({ ...notReadyFinding(unready, about, ended), node: unready.node })
    }
    return found.map((finding) => ({ ...finding, service: deployment.service ?? deployment.name }))
  })
}

function rolloutFindings(
  deployment: WorkloadFacts,
  set: ReplicaSetFacts | undefined,
  unready: PodFacts | undefined,
): Finding[] {
  const refused = set && replicaSetFinding(set)
  const found: Finding[] = refused ? [refused] : []
  if (deployment.deadlineExceeded !== undefined && unready === undefined && refused === undefined) {
    found.push(stalledRolloutFinding(deployment, deployment.deadlineExceeded))
  }
  if (deployment.paused) found.push(pausedFinding(deployment))
  const idle = scaledToZeroFinding(deployment)
  return idle ? [...found, idle] : found
}

export function jobFindings({ jobs = [] }: Known, restarts: number): Finding[] {
  return jobs.flatMap((job) => (job.succeeded ? [] : (hookFinding(job, restarts) ?? [])))
}

export function autoscalerFindings({ autoscalers = [] }: Known): Finding[] {
  return autoscalers.flatMap((autoscaler) => {
    const { uid, name, service, conditions } = autoscaler
    const object = { kind: 'HorizontalPodAutoscaler', name, uid }
    const bad = conditions.find(
      ({ type, status, reason }) =>
        status === 'False' &&
        (type === 'AbleToScale' || (type === 'ScalingActive' && reason !== 'ScalingDisabled')),
    )
    if (bad) {
      const { reason, message, since: at } = bad
      const field = `status.conditions[${bad.type}]`
      const advice =
        reason === 'FailedGetScale'
          ? `bring its target back: ${DEPLOY}`
          : 'without its metrics the number of pods stays as it is: kubectl describe hpa NAME; look at metrics-server and the requests'
      return [{ code: 'AUTOSCALER_FAILING' as const, object, service, reason, message, field, at, advice }]
    }
    return atMaximum(autoscaler, object)
  })
}

/** At the maximum and wanting more; at a minimum that equals the maximum, nobody wants more. */
function atMaximum(
  { service, conditions, current, max, min }: AutoscalerFacts,
  object: Finding['object'],
): Finding[] {
  const limited = conditions.find(({ type, status }) => type === 'ScalingLimited' && status === 'True')
  if (limited?.reason !== 'TooManyReplicas' || current < max || min === max) return []
  const { reason, message, since: at } = limited
  const advice = `raise it: emr set ENV SERVICE autoscaling.maxReplicas=${max + 1}; or find what uses so much`
  const field = 'status.conditions[ScalingLimited]'
  return [{ code: 'AUTOSCALER_AT_MAXIMUM', object, service, reason, message, field, at, advice }]
}

/** Budgets without room although no pod is missing: then nodes cannot be drained. */
export function budgetFindings({ budgets = [] }: Known): Finding[] {
  return budgets.flatMap(({ uid, name, service, allowed, healthy, required, expected }) => {
    if (allowed > 0 || expected === 0) return []
    const object = { kind: 'PodDisruptionBudget', name, uid }
    const message = `${healthy} of ${expected} pods are healthy, and ${required} must be`
    const advice =
      healthy < required
        ? 'mend the pods first: kubectl get pods'
        : 'allow one pod to be away, or run one more: kubectl describe pdb NAME'
    const field = 'status.disruptionsAllowed'
    return [
      { code: 'DISRUPTION_BLOCKED' as const, object, service, reason: 'NoRoom', message, field, advice },
    ]
  })
}

/** Claims that wait for longer than a volume takes; one that no pod uses yet may wait for its first pod. */
export function claimFindings({ claims = [], events = [] }: Known, now: number): Finding[] {
  return claims.flatMap(({ uid, name, phase, createdAt }) => {
    if (phase === 'Bound' || now - createdAt < PENDING_CLAIM_MS) return []
    const last = latest(events, ({ about }) => about === uid)
    if (phase === 'Pending' && last?.reason === 'WaitForFirstConsumer') return []
    const told = last?.type === 'Warning' ? last : undefined
    const object = { kind: 'PersistentVolumeClaim', name, uid }
    const reason = told?.reason ?? phase
    const message = told?.message ?? `it is ${phase}`
    const field = told ? 'event' : 'status.phase'
    const at = told?.at ?? createdAt
    const advice = 'look at its StorageClass and at the EBS CSI driver: kubectl describe pvc NAME'
    return [{ code: 'VOLUME_CLAIM_PENDING' as const, object, reason, message, field, at, advice }]
  })
}

export function quotaFindings({ quotas = [] }: Known): Finding[] {
  return quotas.flatMap(({ uid, name, resources }) =>
    resources
      .filter(({ used, hard }) => hard > 0 && used / hard > QUOTA_SHARE)
      .map(({ name: resource, used, hard }) => ({
        code: 'QUOTA_NEARLY_USED' as const,
        object: { kind: 'ResourceQuota', name, uid },
        reason: 'NearlyUsed',
        message: `${resource}: ${used} of ${hard} are used`,
        field: `status.used[${resource}]`,
        advice: 'raise it before the next roll-out needs it; what it counts: kubectl describe quota NAME',
      })),
  )
}

/** Secrets that are not made, or not kept up to date; external-secrets says of each within seconds how it fares. */
export function secretFindings({ externalSecrets = [], events = [] }: Known, now: number): Finding[] {
  return externalSecrets.flatMap((external): Finding[] => {
    const { uid, name, service, secret, conditions, createdAt } = external
    const object = { kind: 'ExternalSecret', name, uid }
    const base = {
      code: 'SECRET_NOT_SYNCED' as const,
      object,
      service,
      secret,
      field: 'status.conditions[Ready]',
    }
    const ready = conditions.find(({ type }) => type === 'Ready')
    if (ready === undefined) {
      if (now - createdAt < UNREPORTED_MS) return []
      const message = `external-secrets has not reported on it for ${formatDuration(now - createdAt)}`
      const advice =
        'see whether its controller runs: kubectl get pods --all-namespaces --selector app.kubernetes.io/name=external-secrets'
      return [{ ...base, reason: 'NoStatus', message, at: createdAt, advice }]
    }
    if (ready.status !== 'False') return []
    const failed = latest(events, ({ about, type }) => about === uid && type === 'Warning')
    const said = [ready.message, ...(failed && failed.message !== ready.message ? [failed.message] : [])]
    const message = said.join(': ')
    return [
      { ...base, reason: ready.reason, message, at: ready.since, advice: secretAdvice(message, external) },
    ]
  })
}

/** The condition says only that there is no client of the provider; the event names the store. */
const STORE_MISSING = /(ClusterSecretStore|SecretStore)\S* "([^"]+)" not found/

function secretAdvice(message: string, { store }: ExternalSecretFacts): string {
  const [, kind = '', named = store] = STORE_MISSING.exec(message) ?? []
  if (kind !== '')
    return `make the ${kind} ${named}, or name another one in the chart; those there are: kubectl get ${kind.toLowerCase()}s`
  return 'look at the entry in Secrets Manager and at the rights of external-secrets: kubectl describe externalsecret NAME'
}
