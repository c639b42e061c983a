import type { Workloads } from '../adapters/kubernetes/workloads.ts'
import { type DatabaseCause, databaseCause } from '../domain/diagnosis/database.ts'
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

export interface DiagnosedFinding extends RankedFinding {
  /** The last lines of the container that fails. */
  log?: LogExcerpt
  /** What they say of the database. */
  database?: DatabaseCause
}

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
const LOG_LINES = 30
const LOGS = 5

/** Reads an environment once and says what is wrong in it. @param service only this one, and what all depend on */
export async function diagnoseEnvironment(ports: DiagnosePorts, service?: string): Promise<Diagnosis> {
  const { environment, now } = ports
  const { facts, gaps } = await ports.read()
  const all = evaluate(facts, environment.rollout, now())
  const wanted = all.filter(
    (each) => service === undefined || each.service === undefined || each.service === service,
  )
  const ranked = rank(wanted)
  const told: DiagnosedFinding[] = []
  for (const finding of ranked) told.push(told.length < LOGS ? await withLog(ports, finding) : finding)
  const unhealthy = told.some(({ severity }) => severity === 'problem')
  return {
    environment: environment.name,
    namespace: environment.namespace,
    ...(service !== undefined && { service }),
    health: unhealthy ? 'unhealthy' : gaps.length > 0 ? 'unknown' : 'healthy',
    findings: told,
    notEvaluated: gaps,
    pods: facts.pods?.filter((pod) => service === undefined || pod.service === service).length,
  }
}

async function withLog(ports: DiagnosePorts, finding: RankedFinding): Promise<DiagnosedFinding> {
  const { object, container } = finding
  if (!TELLING.has(finding.code) || container === undefined || object.kind !== 'Pod') return finding
  const read = (previous: boolean) =>
    ports.workloads
      .logLines({ pod: object.name, container, previous, lines: LOG_LINES }, ports.signal)
      .catch(() => [])
  // What a container said last stands in the run that failed, not in the one that was just started.
  const earlier = finding.restarts ? await read(true) : []
  const previous = earlier.length > 0
  const lines = previous ? earlier : await read(false)
  if (lines.length === 0) return finding
  const database = databaseCause(lines)
  const advice = database ? `${database.text}: ${database.advice}` : finding.advice
  return {
    ...finding,
    advice,
    log: { pod: object.name, container, previous, lines },
    ...(database && { database }),
  }
}
