import type { Finding } from '../domain/diagnosis/catalogue.ts'
import { databaseTrouble, explainedBy } from '../domain/diagnosis/database.ts'
import type { Gap } from '../domain/diagnosis/facts.ts'
import type { PodFacts } from '../domain/rollout/facts.ts'
import type { LogExcerpt } from '../domain/rollout/report.ts'
import type { DiagnosePorts } from './diagnose.ts'

export interface LoggedFinding extends Finding {
  /** The last lines of the container that fails. */
  log?: LogExcerpt
}

/** Whose log says why. */
const TELLING = new Set(['CRASH_LOOP', 'OUT_OF_MEMORY', 'INIT_FAILING', 'RESTARTING', 'NOT_READY'])
const NODE_TROUBLE = new Set(['NODE_NOT_READY', 'NODE_PRESSURE'])
const LOG_LINES = 30
const LOGS = 5

/** Of pods that serve, only so much is read: two of each service, ten in all. */
const SERVING_PER_SERVICE = 2
const SERVING = 10
const RECENT_LINES = 200
const RECENT = { seconds: 300, bytes: 65_536, timeoutMs: 5_000 }

type Source = Parameters<DiagnosePorts['workloads']['logLines']>[0]

/** The logs that one diagnosis reads. */
export class PodLogs {
  readonly #ports: Pick<DiagnosePorts, 'workloads' | 'signal'>
  readonly #failures: string[] = []

  constructor(ports: Pick<DiagnosePorts, 'workloads' | 'signal'>) {
    this.#ports = ports
  }

  /** What could not be read, and why. */
  get gaps(): Gap[] {
    const [why] = this.#failures
    return why === undefined ? [] : [{ what: 'logs of pods', why }]
  }

  /** Reads one log for each service and kind of failure: pods that fail alike say the same. */
  async explain(findings: Finding[]): Promise<LoggedFinding[]> {
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
        const told = await this.#explained(first)
        logged.set(first, told)
        const { advice, database } = told
        for (const each of alike) logged.set(each, { ...each, advice, ...(database && { database }) })
      }),
    )
    return findings.map((each) => logged.get(each) ?? each)
  }

  async #explained(finding: Finding): Promise<LoggedFinding> {
    const { object, container = '' } = finding
    const read = (previous: boolean) =>
      this.#read({ pod: object.name, container, previous, lines: LOG_LINES })
    // What a container said last stands in the run that failed, not in the one that was just started.
    const earlier = finding.restarts ? await read(true) : []
    const previous = earlier.length > 0
    const lines = previous ? earlier : await read(false)
    if (lines.length === 0) return finding
    return { ...explainedBy(finding, lines), log: { pod: object.name, container, previous, lines } }
  }

  /** Pods may be ready, and not reach their database: some of those that nothing was found of are asked. */
  async ofServing(pods: PodFacts[], findings: Finding[]): Promise<LoggedFinding[]> {
    const known = new Set(findings.map(({ object }) => object.uid))
    const serving = pods.filter(({ ready, deleting, uid }) => ready && !deleting && !known.has(uid))
    const some = [...Map.groupBy(serving, ({ service }) => service).values()]
      .flatMap((own) => own.slice(0, SERVING_PER_SERVICE))
      .slice(0, SERVING)
    const found = await Promise.all(some.map((pod) => this.#serving(pod)))
    return found.flat()
  }

  async #serving({ name, uid, service, node, containers }: PodFacts): Promise<LoggedFinding[]> {
    const container = containers.find(({ init, running }) => !init && running)?.name
    if (container === undefined) return []
    const source = { pod: name, container, previous: false }
    const trouble = databaseTrouble(await this.#read({ ...source, lines: RECENT_LINES, within: RECENT }))
    if (trouble === undefined) return []
    const { lines, ...database } = trouble
    const finding = {
      code: 'DATABASE_FAILING' as const,
      object: { kind: 'Pod', name, uid },
      service,
      node,
      container,
      reason: 'ConnectionsFail',
      message: `it is ready, and its log of the last ${RECENT.seconds / 60} minutes tells so ${lines.length} times`,
      field: 'log',
      advice: '',
    }
    return [{ ...explainedBy(finding, [database.line]), log: { ...source, lines } }]
  }

  async #read(source: Source): Promise<string[]> {
    const { workloads, signal } = this.#ports
    try {
      return await workloads.logLines(source, signal)
    } catch (error) {
      signal.throwIfAborted()
      this.#failures.push((error as Error).message)
      return []
    }
  }
}
