import type { Workloads } from '../adapters/kubernetes/workloads.ts'
import { withNames } from '../domain/diagnosis/advice.ts'
import { evaluate, type RankedFinding, rank } from '../domain/diagnosis/evaluate.ts'
import type { EnvironmentFacts, Gap } from '../domain/diagnosis/facts.ts'
import type { Environment } from '../domain/environment.ts'
import { type LoggedFinding, PodLogs } from './diagnose-logs.ts'

export interface DiagnosePorts {
  environment: Environment
  /** What to type for kubectl to reach the environment's cluster. */
  kubectl: string
  read: () => Promise<{ facts: Partial<EnvironmentFacts>; gaps: Gap[] }>
  workloads: Pick<Workloads, 'logLines'>
  signal: AbortSignal
  /** Epoch milliseconds. */
  now: () => number
}

export type DiagnosedFinding = LoggedFinding & RankedFinding

export interface Diagnosis {
  environment: string
  namespace: string
  /** Undefined: all. */
  service?: string
  /** `unknown` where nothing is wrong in what could be read, and something could not be. */
  health: 'healthy' | 'unhealthy' | 'unknown'
  /** The cause first. */
  findings: DiagnosedFinding[]
  notEvaluated: Gap[]
  /** Pods that were looked at; undefined where they could not be. */
  pods: number | undefined
}

/** Reads an environment once and says what is wrong in it. @param service only this one, and what all depend on */
export async function diagnoseEnvironment(ports: DiagnosePorts, service?: string): Promise<Diagnosis> {
  const { environment, now } = ports
  const { facts, gaps } = await ports.read()
  const services = environment.services.map(({ name }) => name)
  const isWanted = (each: { service?: string }) => service === undefined || each.service === service
  const found = evaluate(facts, environment.rollout, now(), services).filter(
    (each) => each.service === undefined || isWanted(each),
  )
  const pods = facts.pods?.filter(isWanted)
  const logs = new PodLogs(ports)
  // Before they are ranked: a log may tell that a finding is only the effect of another one.
  const [told, serving] = await Promise.all([logs.explain(found), logs.ofServing(pods ?? [], found)])
  const ranked: DiagnosedFinding[] = rank([...told, ...serving])
  const cordoned = facts.nodes?.filter(({ schedulable }) => !schedulable).map(({ name }) => name)
  const findings = ranked.map((finding) => withNames(withLog(finding), { ...ports, cordoned }))
  const notEvaluated = [...gaps, ...logs.gaps]
  const unhealthy = findings.some(({ severity }) => severity === 'problem')
  return {
    environment: environment.name,
    namespace: environment.namespace,
    ...(service !== undefined && { service }),
    health: unhealthy ? 'unhealthy' : notEvaluated.length > 0 ? 'unknown' : 'healthy',
    findings,
    notEvaluated,
    pods: pods?.length,
  }
}

/** A cause that writes no log, for example a hook's Job, shows what those tell that suffer from it. */
function withLog(finding: DiagnosedFinding): DiagnosedFinding {
  const effects: LoggedFinding[] = finding.effects
  const log = finding.log ?? effects.find((effect) => effect.log)?.log
  return log ? { ...finding, log } : finding
}
