import { CATALOGUE, type Finding } from '../diagnosis/catalogue.ts'
import type { EventFacts } from './facts.ts'

export interface LogExcerpt {
  pod: string
  container: string
  /** Of the run before the current one. */
  previous: boolean
  lines: string[]
  /** Why the log is not known. */
  unknown?: string
}

/** Why one service's roll-out failed, with the evidence as it was at that moment. */
export interface RolloutFailure {
  service: string
  finding: Finding
  image: string | undefined
  node: string | undefined
  /** The ones that matter, newest last. */
  events: EventFacts[]
  logs: LogExcerpt[]
  /** What could not be looked at, each as a sentence. */
  gaps?: string[]
}

const LOG_LINES = 10
const EVENTS = 4

/** As the catalogue has it; in a roll-out, the pods are the new ones. */
function headlineOf({ code }: Finding): string {
  return CATALOGUE[code].headline.replace('the pods', 'the new pods')
}

/** The failure in a line. */
export function failureLine({ finding }: RolloutFailure): string {
  const { object, container } = finding
  const where = container === undefined ? object.name : `${object.name}/${container}`
  const [message] = finding.message.split('\n')
  return `${headlineOf(finding)} (${where}: ${[finding.reason, message].filter(Boolean).join(': ')})`
}

/** Failures of several services with the same cause, together; the first of each group shows it. */
export function byCause(failures: RolloutFailure[]): RolloutFailure[][] {
  return [...Map.groupBy(failures, causeKey).values()]
}

/**
 * What makes failures of different services the same: the reason and its words, and what the program wrote last, but for
 * the names of the service's own objects.
 */
function causeKey({ service, finding, image = '', logs }: RolloutFailure): string {
  const { code, object, container = '', reason, exitCode, secret, database } = finding
  const own = [image, object.name, container, service].filter((name) => name !== '')
  const neutral = (text: string) => own.reduce((rest, name) => rest.replaceAll(name, '*'), text)
  const quota = /exceeded quota: ([^,]+)/.exec(finding.message)?.[1]
  const written = logs.at(-1)?.lines.at(-1) ?? ''
  return JSON.stringify([
    code,
    reason,
    exitCode,
    database,
    secret === undefined ? '' : neutral(secret),
    quota ?? neutral(finding.message).replaceAll(/\b[\da-f]{6,}\b/g, '#'),
    neutral(written).replaceAll(/\b[\da-f-]{6,}\b|\d+/g, '#'),
  ])
}

/**
 * The failure for people: cause first, then the facts to check it by.
 * @param now epoch milliseconds
 * @param others services that failed for the same cause
 */
export function failureReport(failure: RolloutFailure, now: number, others: string[] = []): string {
  const { finding, image, node } = failure
  const rows: [string, string][] = [
    [finding.object.kind.toLowerCase(), `${finding.object.name}${node ? ` on ${node}` : ''}`],
  ]
  if (finding.container !== undefined) rows.push(['container', containerRow(finding)])
  if (image !== undefined) rows.push(['image', image])
  rows.push(['reason', `${finding.reason}: ${finding.message}`])
  for (const event of failure.events.slice(-EVENTS)) {
    const age = Math.max(0, Math.round((now - event.at) / 1000))
    const times = event.count > 1 ? ` (×${event.count})` : ''
    rows.push(['event', `${age} s ago ${event.reason}${times}: ${event.message}`])
  }
  for (const gap of failure.gaps ?? []) rows.push(['not known', gap])
  for (const log of failure.logs) {
    const which = `${log.container}${log.previous ? ', previous run' : ''}`
    rows.push(['log', log.unknown ? `${which}: not known: ${log.unknown}` : `${which}, last lines:`])
    for (const line of log.lines.slice(-LOG_LINES)) rows.push(['', `| ${line}`])
  }
  rows.push(['to do', finding.advice])
  const body = rows.map(([label, text]) => `  ${label.padEnd(10)} ${text}`)
  const same = others.length > 0 ? [`  ${'shown'.padEnd(10)} ${failure.service}; the evidence has all`] : []
  const names = [failure.service, ...others].join(', ')
  return [`${names}: ${headlineOf(finding)}`, ...same, ...body].join('\n')
}

function containerRow({ container, exitCode, restarts }: Finding): string {
  const parts = [container]
  if (exitCode !== undefined) parts.push(`exit code ${exitCode}`)
  if (restarts) parts.push(restarts === 1 ? '1 restart' : `${restarts} restarts`)
  return parts.join(', ')
}
