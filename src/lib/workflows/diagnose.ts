import type { Workloads } from '../adapters/kubernetes/workloads.ts'
import type { Finding } from '../domain/diagnosis/catalogue.ts'
import { explainedBy } from '../domain/diagnosis/database.ts'
import { evaluate, type RankedFinding, rank } from '../domain/diagnosis/evaluate.ts'
import type { EnvironmentFacts, Gap } from '../domain/diagnosis/facts.ts'
import type { Environment } from '../domain/environment.ts'
import type { LogExcerpt } from '../domain/rollout/report.ts'

export interface DiagnosePorts {
  environment: Environment
  read: () => Promise<{ facts: Partial<EnvironmentFacts>; gaps: Gap[] }>
  workloads: Pick<Workloads, 'logLines'>
  signal: AbortSignal
  /** Epoch milliseconds. */
  now: () => number
}

interface LoggedFinding extends Finding {
  /** The last lines of the container that fails. */
  log?: LogExcerpt
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

/** Whose log says why. */
const TELLING = new Set(['CRASH_LOOP', 'OUT_OF_MEMORY', 'INIT_FAILING', 'RESTARTING', 'NOT_READY'])
const NODE_TROUBLE = new Set(['NODE_NOT_READY', 'NODE_PRESSURE'])
const LOG_LINES = 30
const LOGS = 5

/** Reads an environment once and says what is wrong in it. @param service only this one, and what all depend on */
export async function diagnoseEnvironment(ports: DiagnosePorts, service?: string): Promise<Diagnosis> {
  const { environment, now } = ports
  const { facts, gaps } = await ports.read()
  const services = environment.services.map(({ name }) => name)
  const all = evaluate(facts, environment.rollout, now(), services)
  const wanted = all.filter(
    (each) => service === undefined || each.service === undefined || each.service === service,
  )
  // Before they are ranked: a log may tell that a finding is only the effect of another one.
  const findings: DiagnosedFinding[] = rank(await withLogs(ports, wanted))
  const unhealthy = findings.some(({ severity }) => severity === 'problem')
  return {
    environment: environment.name,
    namespace: environment.namespace,
    ...(service !== undefined && { service }),
    health: unhealthy ? 'unhealthy' : gaps.length > 0 ? 'unknown' : 'healthy',
    findings,
    notEvaluated: gaps,
    pods: facts.pods?.filter((pod) => service === undefined || pod.service === service).length,
  }
}

/** Reads one log for each service and kind of failure: pods that fail alike say the same. */
async function withLogs(ports: DiagnosePorts, findings: Finding[]): Promise<LoggedFinding[]> {
  // A pod on a node in trouble says nothing of those on others.
  const nodes = new Set(findings.flatMap(({ code, node }) => (NODE_TROUBLE.has(code) ? [node] : [])))
  const telling = findings.filter(
    ({ code, container, object, node }) =>
      TELLING.has(code) && container !== undefined && object.kind === 'Pod' && !nodes.has(node),
  )
  const groups = Map.groupBy(telling, ({ code, service, container, advice }) => {
    return [code, service, container, advice].join('/')
  })
  const logged = new Map<Finding, LoggedFinding>()
  await Promise.all(
    [...groups.values()].slice(0, LOGS).map(async ([first, ...alike]) => {
      if (first === undefined) return
      const told = await withLog(ports, first)
      logged.set(first, told)
      const { advice, database } = told
      for (const each of alike) logged.set(each, { ...each, advice, ...(database && { database }) })
    }),
  )
  return findings.map((each) => logged.get(each) ?? each)
}

async function withLog({ workloads, signal }: DiagnosePorts, finding: Finding): Promise<LoggedFinding> {
  const { object, container = '' } = finding
  const read = (previous: boolean) =>
    workloads.logLines({ pod: object.name, container, previous, lines: LOG_LINES }, signal).catch(() => [])
  // What a container said last stands in the run that failed, not in the one that was just started.
  const earlier = finding.restarts ? await read(true) : []
  const previous = earlier.length > 0
  const lines = previous ? earlier : await read(false)
  if (lines.length === 0) return finding
  return { ...explainedBy(finding, lines), log: { pod: object.name, container, previous, lines } }
}
