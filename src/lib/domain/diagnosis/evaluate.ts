import type { RolloutThresholds } from '../environment.ts'
import type { EventFacts } from '../rollout/facts.ts'
import { CATALOGUE, type Finding, severityOf } from './catalogue.ts'
import { addOnFindings, databaseFindings, nodeFindings, usageFindings } from './cluster.ts'
import {
  autoscalerFindings,
  budgetFindings,
  claimFindings,
  deploymentFindings,
  goneFindings,
  jobFindings,
  missingFindings,
  quotaFindings,
  secretFindings,
} from './controllers.ts'
import { databaseNetworkFindings } from './database-network.ts'
import { EFFECTS } from './effects.ts'
import type { EnvironmentFacts } from './facts.ts'
import { ingressFindings, missingServiceFindings, policyFindings, serviceFindings } from './network.ts'
import { debugFindings, podTroubles, wholeServices } from './pods.ts'
import { recordFindings } from './records.ts'

/** What stands for the same finding in other words, or is mended in another way. */
export type Evidence = Pick<Finding, 'object' | 'reason' | 'message' | 'field' | 'at' | 'advice'>

/** A finding that nothing else explains, with what it explains. */
export interface RankedFinding extends Finding {
  headline: string
  severity: 'problem' | 'warning'
  /** Names of further objects that suffer the same. */
  also: string[]
  more: Evidence[]
  effects: Finding[]
}

/**
 * All rules over what could be read; rules whose facts are missing are silent.
 * @param now epoch milliseconds
 * @param services that the environment should have
 */
export function evaluate(
  facts: Partial<EnvironmentFacts>,
  thresholds: RolloutThresholds,
  now: number,
  services: string[] = [],
): Finding[] {
  const events = Map.groupBy(facts.events ?? [], ({ about }) => about)
  const about = (uid: string): EventFacts[] => events.get(uid) ?? []
  const served = wholeServices(facts.deployments ?? [])
  return [
    ...nodeFindings(facts, now),
    ...addOnFindings(facts),
    // Before the status: what keeps the packets away explains the time-outs also of a database that is being modified.
    ...databaseNetworkFindings(facts.databaseNetwork),
    ...databaseFindings(facts),
    ...claimFindings(facts, now),
    ...secretFindings(facts, now),
    ...(facts.pods ?? []).flatMap((pod) => [
      ...podTroubles(pod, about(pod.uid), thresholds, now, served),
      ...debugFindings(pod, about(pod.uid)),
    ]),
    ...missingFindings(facts, services),
    ...goneFindings(facts, services),
    ...deploymentFindings(facts),
    ...jobFindings(facts, thresholds.restarts),
    ...autoscalerFindings(facts),
    ...serviceFindings(facts),
    ...missingServiceFindings(facts),
    ...policyFindings(facts),
    ...ingressFindings(facts, now),
    ...budgetFindings(facts),
    ...quotaFindings(facts),
    ...usageFindings(facts),
    ...recordFindings(facts, services),
  ]
}

/** Causes first: each finding that another one explains, or an effect of it, becomes an effect of it. */
export function rank<Found extends Finding>(findings: Found[]): (Found & RankedFinding)[] {
  const roots: { cause: Found; effects: Found[] }[] = []
  for (const finding of findings.toSorted((a, b) => CATALOGUE[a.code].layer - CATALOGUE[b.code].layer)) {
    const explaining = (each: Finding) => explains(each, finding)
    const root = roots.find(({ cause, effects }) => explaining(cause) || effects.some(explaining))
    if (root) root.effects.push(finding)
    else roots.push({ cause: finding, effects: [] })
  }
  const ranked = alike(roots, ({ cause }) => cause).map(([first, ...others]) => {
    const cause = merged([first.cause, ...others.map((root) => root.cause)])
    const effects = [first, ...others].flatMap((root) => root.effects)
    const { headline } = CATALOGUE[cause.code]
    return {
      ...cause,
      headline,
      severity: severityOf(cause),
      effects: alike(effects, (effect) => effect).map(merged),
    }
  })
  const weight = ({ severity, code, effects }: RankedFinding) => {
    if (severity === 'warning') return 2
    // What is gone and missed by nobody yet comes after what is down.
    return code === 'OBJECT_GONE' && effects.length === 0 ? 1 : 0
  }
  return ranked.sort((a, b) => weight(a) - weight(b))
}

type Some<T> = [T, ...T[]]

/** Pods of one service that suffer the same are one finding. */
function alike<T>(items: T[], findingOf: (item: T) => Finding): Some<T>[] {
  const groups = Map.groupBy(items, (item) => {
    const { code, service, container, object } = findingOf(item)
    return [code, service ?? object.name, container ?? '', object.kind].join('/')
  })
  return [...groups.values()] as Some<T>[]
}

/** The first speaks for all; what another one says of the same object, or advises, is kept. */
function merged<Found extends Finding>(same: Some<Found>): Found & Pick<RankedFinding, 'also' | 'more'> {
  const [first] = same
  const also = new Set(same.map(({ object }) => object.name).filter((name) => name !== first.object.name))
  const told = [first]
  for (const each of same) {
    const known = told.some(({ object, message, advice }) => {
      return advice === each.advice && (message === each.message || object.uid !== each.object.uid)
    })
    if (!known) told.push(each)
  }
  const more = told.slice(1).map(({ object, reason, message, field, at, advice }) => {
    return { object, reason, message, field, at, advice }
  })
  return { ...first, also: [...also], more }
}

function explains(cause: Finding, effect: Finding): boolean {
  if (!EFFECTS[cause.code]?.includes(effect.code) || severityOf(cause) === 'warning') return false
  switch (cause.code) {
    case 'NODE_NOT_READY':
    case 'NODE_PRESSURE':
      return effect.node === cause.node
    case 'DNS_MISSING':
      return effect.database?.code === 'name' || /ENOTFOUND|EAI_AGAIN|no such host/.test(effect.message)
    case 'DATABASE_DOWN':
      return effect.database?.code === 'refused' || effect.database?.code === 'timeout'
    case 'DATABASE_BLOCKED':
    case 'DATABASE_UNROUTED':
      return effect.database?.code === 'timeout'
    case 'METRICS_MISSING':
      return true
    case 'VOLUME_CLAIM_PENDING':
      return /PersistentVolumeClaim/.test(effect.message)
    case 'OBJECT_GONE':
      // What a policy of all pods denies, the one that is gone let in.
      if (effect.code === 'TRAFFIC_DENIED')
        return cause.object.kind === 'NetworkPolicy' && ofService(cause, effect)
      return lacksSecret(effect, cause.secret) || lacks(effect, cause.object)
    case 'SECRET_NOT_SYNCED':
      return lacksSecret(effect, cause.secret)
    case 'POD_REFUSED':
      if (effect.code === 'QUOTA_NEARLY_USED')
        return cause.message.includes(`exceeded quota: ${effect.object.name},`)
      return ofService(cause, effect)
    case 'HOOK_FAILED':
      return effect.owner === cause.object.uid
    default:
      return ofService(cause, effect)
  }
}

/** Whether a container has to do without a Secret, or lacks a key of it, in the words of the kubelet. */
function lacksSecret({ code, message }: Finding, secret: string | undefined): boolean {
  const [, missing, incomplete] = /\bsecrets? "([^"]+)"|\bin Secret [^/\s]+\/(\S+)/.exec(message) ?? []
  return code === 'CONTAINER_CONFIG' && secret !== undefined && secret === (missing ?? incomplete)
}

/** Whether pods have to do without a ConfigMap or a ServiceAccount, in the words of the kubelet and the API server. */
function lacks({ code, message }: Finding, { kind, name }: Finding['object']): boolean {
  if (code !== 'CONTAINER_CONFIG' && code !== 'POD_REFUSED') return false
  return message.toLowerCase().includes(`${kind.toLowerCase()} "${name}" not found`)
}

/** What a pod suffers has its cause in that pod; what its service suffers, in any of its pods. */
function ofService(cause: Finding, effect: Finding): boolean {
  if (effect.object.kind === 'Pod') return effect.object.uid === cause.object.uid
  return cause.service !== undefined && cause.service === effect.service
}
