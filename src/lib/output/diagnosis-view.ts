import type { Evidence } from '../domain/diagnosis/evaluate.ts'
import { formatDuration } from '../domain/duration.ts'
import type { DiagnosedFinding, Diagnosis } from '../workflows/diagnose.ts'
import { count } from './count.ts'
import { symbols, type Theme } from './theme.ts'

const LOG_LINES = 6
const EFFECTS = 4
const ALSO = 3
const MORE = 4

/** What is wrong, cause first; then what could not be looked at. @param now epoch milliseconds */
export function diagnosisView(diagnosis: Diagnosis, theme: Theme, now: number): string {
  const { environment, service, findings, notEvaluated } = diagnosis
  const where = service === undefined ? environment : `${environment} ${service}`
  const blocks = findings.map((finding) => findingLines(finding, theme, now).join('\n'))
  const gaps = notEvaluated.map(
    ({ what, why }) => `${theme.warn(symbols.warn)} not evaluated: ${what} (${why})`,
  )
  return [...blocks, ...gaps, summary(diagnosis, where, theme)].join('\n')
}

function summary({ health, findings, notEvaluated, pods }: Diagnosis, where: string, theme: Theme): string {
  const problems = findings.filter(({ severity }) => severity === 'problem').length
  const warnings = findings.length - problems
  const also = warnings > 0 ? `, ${count(warnings, 'warning')}` : ''
  if (health === 'unhealthy')
    return `${theme.bad(symbols.bad)} ${where}: ${count(problems, 'problem')}${also}`
  if (health === 'unknown') {
    return `${theme.warn(symbols.warn)} ${where}: nothing found, but ${count(notEvaluated.length, 'kind')} could not be looked at${also}`
  }
  return `${theme.good(symbols.good)} ${where}: healthy${pods === undefined ? '' : `, ${count(pods, 'pod')}`}${also}`
}

function findingLines(finding: DiagnosedFinding, theme: Theme, now: number): string[] {
  const { severity, service, headline, code, log, more, effects } = finding
  const sign = severity === 'problem' ? theme.bad(symbols.bad) : theme.warn(symbols.warn)
  const title = [service, headline].filter(Boolean).join(': ')
  const lines = [`${sign} ${theme.strong(title)} ${theme.faint(code)}`]
  const row = (label: string, text: string) => lines.push(`  ${label.padEnd(8)} ${text}`)
  row(finding.object.kind.toLowerCase(), objectText(finding))
  row('reason', evidenceText(finding, theme, now))
  for (const each of more.slice(0, MORE)) {
    const of = each.object.name === finding.object.name ? '' : `${each.object.name}: `
    row('and', `${of}${evidenceText(each, theme, now)}`)
  }
  if (more.length > MORE) row('', `and ${more.length - MORE} more`)
  if (log) {
    row('log', `${log.container}${log.previous ? ', previous run' : ''}, last lines:`)
    for (const line of log.lines.slice(-LOG_LINES)) row('', `| ${line}`)
  }
  for (const effect of effects.slice(0, EFFECTS)) {
    row('so', `${effect.object.kind} ${effect.object.name}: ${effect.reason}: ${effect.message}`)
  }
  if (effects.length > EFFECTS) row('', `and ${effects.length - EFFECTS} more`)
  const advice = new Set([finding, ...more.slice(0, MORE)].map((each) => each.advice))
  for (const [index, text] of [...advice].entries()) row(index === 0 ? 'to do' : '', text)
  return lines
}

function evidenceText({ reason, message, field, at }: Evidence, theme: Theme, now: number): string {
  const age = at ? `, ${formatDuration(Math.max(0, now - at))} ago` : ''
  return `${reason}: ${message}${field ? theme.faint(` (${field}${age})`) : ''}`
}

function objectText({ object, also, container, node, exitCode, restarts }: DiagnosedFinding): string {
  const parts = [object.name]
  if (also.length > 0) {
    const shown = also.slice(0, ALSO).join(', ')
    parts.push(`also ${shown}${also.length > ALSO ? ` and ${also.length - ALSO} more` : ''}`)
  }
  if (container !== undefined && container !== object.name) parts.push(`container ${container}`)
  if (exitCode !== undefined) parts.push(`exit code ${exitCode}`)
  if (restarts) parts.push(count(restarts, 'restart'))
  return `${parts.join(', ')}${node && object.kind !== 'Node' ? ` on ${node}` : ''}`
}
