import type { RolloutThresholds } from '../environment.ts'
import type { EventFacts } from '../rollout/facts.ts'
import { CATALOGUE, type Finding } from './catalogue.ts'
import { addOnFindings, databaseFindings, memoryFindings, nodeFindings } from './cluster.ts'
import {
  autoscalerFindings,
  budgetFindings,
  claimFindings,
  deploymentFindings,
  jobFindings,
  missingFindings,
  quotaFindings,
  secretFindings,
} from './controllers.ts'
import { databaseNetworkFindings } from './database-network.ts'
import type { EnvironmentFacts } from './facts.ts'
import { ingressFindings, policyFindings, serviceFindings } from './network.ts'
import { podTroubles } from './pods.ts'

/** A finding that nothing else explains, with what it explains. */
export interface RankedFinding extends Finding {
  headline: string
  severity: 'problem' | 'warning'
  /** Names of further objects that suffer the same. */
  also: string[]
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
  return [
    ...nodeFindings(facts, now),
    ...addOnFindings(facts),
    // Before the status: what keeps the packets away explains the time-outs also of a database that is being modified.
    ...databaseNetworkFindings(facts.databaseNetwork),
    ...databaseFindings(facts),
    ...claimFindings(facts, now),
    ...secretFindings(facts),
    ...(facts.pods ?? []).flatMap((pod) => podTroubles(pod, about(pod.uid), thresholds, now)),
    ...missingFindings(facts, services),
    ...deploymentFindings(facts),
    ...jobFindings(facts, thresholds.restarts),
    ...autoscalerFindings(facts),
    ...serviceFindings(facts),
    ...policyFindings(facts),
    ...ingressFindings(facts, now),
    ...budgetFindings(facts),
    ...quotaFindings(facts),
    ...memoryFindings(facts),
  ]
}

/** Causes first: each finding that another one explains becomes an effect of it. */
export function rank<Found extends Finding>(findings: Found[]): (Found & RankedFinding)[] {
  const merged = merge(findings).sort((a, b) => CATALOGUE[a.code].layer - CATALOGUE[b.code].layer)
  const roots: (Found & RankedFinding)[] = []
  for (const finding of merged) {
    const cause = roots.find((root) => explains(root, finding))
    if (cause) cause.effects.push(finding)
    else {
      const { headline, severity } = CATALOGUE[finding.code]
      roots.push({ ...finding, headline, severity, effects: [] })
    }
  }
  const weight = ({ severity }: RankedFinding) => (severity === 'problem' ? 0 : 1)
  return roots.sort((a, b) => weight(a) - weight(b))
}

/** Pods of one service that suffer the same are one finding. */
function merge<Found extends Finding>(findings: Found[]): (Found & { also: string[] })[] {
  const groups = Map.groupBy(findings, ({ code, service, container, object }) => {
    return [code, service ?? object.name, container ?? '', object.kind].join('/')
  })
  return [...groups.values()].flatMap(([first, ...others]) => {
    const also = others.map(({ object }) => object.name).filter((name) => name !== first?.object.name)
    return first ? [{ ...first, also: [...new Set(also)] }] : []
  })
}

function explains(cause: Finding, effect: Finding): boolean {
  const [low, high] = [CATALOGUE[cause.code], CATALOGUE[effect.code]]
  if (low.layer >= high.layer || low.severity === 'warning') return false
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
      return effect.code === 'AUTOSCALER_FAILING'
    case 'VOLUME_CLAIM_PENDING':
      return /PersistentVolumeClaim/.test(effect.message)
    case 'SECRET_NOT_SYNCED':
      return effect.service === cause.service && effect.code === 'CONTAINER_CONFIG'
    case 'POD_REFUSED':
      return effect.code === 'QUOTA_NEARLY_USED' ? /quota/.test(cause.message) : sameService(cause, effect)
    default:
      return sameService(cause, effect)
  }
}

function sameService(cause: Finding, effect: Finding): boolean {
  return cause.service !== undefined && cause.service === effect.service
}
