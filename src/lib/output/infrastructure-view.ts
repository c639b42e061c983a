import { formatDuration } from '../domain/duration.ts'
import { withEllipsis } from '../domain/ellipsis.ts'
import type { OfferCheck } from '../domain/terraform/offers.ts'
import type { OutputChange, ResourceAction, ResourceChange } from '../domain/terraform/plan.ts'
import type { Counts } from '../domain/terraform/summary.ts'
import type { InfrastructurePlan, InfrastructureResult } from '../workflows/infrastructure/types.ts'
import { count } from './count.ts'
import { table } from './table.ts'
import { symbols, type Theme } from './theme.ts'

/** With the groups (13 at most) and the warnings, a plan of any size fits on a screen of 40 lines. */
const MOST_CHANGES = 16
const MOST_OUTPUTS = 5
const MOST_WARNINGS = 5
const MOST_CHARACTERS = 36

/** What takes away first. */
const PAST: Record<ResourceAction, string> = {
  delete: 'deleted',
  replace: 'replaced',
  update: 'updated',
  forget: 'removed from the state',
  move: 'moved',
  import: 'imported',
  create: 'created',
}
const ACTIONS = Object.keys(PAST) as ResourceAction[]

/** What a plan would do: everything that touches what exists line by line, what is new by concern. */
export function infrastructurePlanView(plan: InfrastructurePlan, theme: Theme): string {
  const { environment, workspace, fingerprint, changes, outputChanges, drift, checks, warnings } = plan
  const head = `${theme.strong(`${environment}: infrastructure`)}${theme.faint(`  workspace ${workspace}, plan ${fingerprint}`)}`
  const touched = changes.filter(({ action }) => action !== 'create')
  return [
    head,
    ...changeLines(touched, theme),
    ...groupLines(plan, theme),
    ...shortened(outputChanges, MOST_OUTPUTS, (change) => `  ${outputLine(change, theme)}`),
    ...driftLines(drift, theme),
    ...checkLines(checks, theme),
    ...shortened(
      warnings.map(firstSentence),
      MOST_WARNINGS,
      (text) => `  ${theme.warn(symbols.warn)} ${text}`,
    ),
    closingLine(plan),
  ].join('\n')
}

function closingLine(plan: InfrastructurePlan): string {
  const { mode, applicable, drift, checks } = plan
  const refused = checks.some(({ status }) => status === 'problem')
  if (mode === 'refresh-only') return refreshLine(plan)
  if (applicable) return `${planSummary(plan)}.${refused ? ' A deploy refuses it until that is fixed.' : ''}`
  return drift.length === 0
    ? 'Nothing to change.'
    : 'Nothing to change: the configuration does not set what was changed outside Terraform.'
}

function refreshLine({ applicable, drift, outputChanges }: InfrastructurePlan): string {
  if (drift.length > 0)
    return 'A deploy puts back what the configuration sets; --refresh-only accepts it all.'
  if (outputChanges.length > 0) return 'No resource was changed outside Terraform; outputs differ.'
  return applicable
    ? 'Nothing was changed outside Terraform; the state notes values that AWS updates by itself.'
    : 'Nothing was changed outside Terraform.'
}

/** `3 to create, 1 to replace, 2 outputs to change` */
export function planSummary({
  mode,
  counts,
  drift,
  outputChanges,
}: Pick<InfrastructurePlan, 'mode' | 'counts' | 'drift' | 'outputChanges'>): string {
  const resources = mode === 'refresh-only' ? drifted(drift.length) : planCounts(counts)
  const outputs = outputChanges.length === 0 ? '' : `${count(outputChanges.length, 'output')} to change`
  return [resources, outputs].filter(Boolean).join(', ') || 'changes of the state alone'
}

function drifted(resources: number): string {
  return resources === 0 ? '' : `${count(resources, 'resource')} changed outside Terraform`
}

function planCounts(counts: Counts): string {
  return counted(counts, (action) => (action === 'forget' ? 'to remove from the state' : `to ${action}`))
}

function counted(counts: Counts, word: (action: ResourceAction) => string): string {
  return ACTIONS.filter((action) => counts[action] > 0)
    .map((action) => `${counts[action]} ${word(action)}`)
    .join(', ')
}

function changeLines(changes: ResourceChange[], theme: Theme): string[] {
  const sorted = changes.toSorted((a, b) => ACTIONS.indexOf(a.action) - ACTIONS.indexOf(b.action))
  return shortened(sorted, MOST_CHANGES, (change) => `  ${changeLine(change, theme)}`)
}

function changeLine({ action, address, reasons, fields }: ResourceChange, theme: Theme): string {
  const signs: Record<ResourceAction, string> = {
    create: theme.added('+'),
    update: theme.changed('~'),
    replace: theme.removed('±'),
    delete: theme.removed('-'),
    forget: theme.faint('.'),
    import: theme.added('<'),
    move: theme.faint('>'),
  }
  const values = fields.map(
    ({ attribute, before, after }) => `${attribute} ${short(before)} → ${short(after)}`,
  )
  const why = reasons.length === 0 ? '' : `  ${theme.warn(reasons.join('; '))}`
  const [first, second, ...rest] = values
  const what = [first, second, rest.length ? `${rest.length} more` : undefined].filter(Boolean).join(', ')
  return `${signs[action]} ${action.padEnd(7)} ${theme.strong(address)}${why}${what && `  ${theme.faint(what)}`}`
}

function outputLine({ name, action, before, after }: OutputChange, theme: Theme): string {
  const sign = { create: theme.added('+'), update: theme.changed('~'), delete: theme.removed('-') }[action]
  const values = [action !== 'create' && short(before), action !== 'delete' && short(after)]
  return `${sign} output  ${theme.strong(name)}  ${theme.faint(values.filter(Boolean).join(' → '))}`
}

function groupLines({ groups }: InfrastructurePlan, theme: Theme): string[] {
  if (groups.length === 0) return []
  const rows = groups.map(({ name, counts }) => [`  ${name}`, theme.faint(planCounts(counts))])
  return table(undefined, rows).split('\n')
}

function driftLines(drift: ResourceChange[], theme: Theme): string[] {
  if (drift.length === 0) return []
  return [
    `  ${theme.warn(symbols.warn)} ${count(drift.length, 'resource')} changed outside Terraform:`,
    ...shortened(drift, MOST_CHANGES, (change) => `    ${changeLine(change, theme)}`),
  ]
}

/** What AWS would refuse, and what it did not tell; that the rest is well needs no line. */
function checkLines(checks: OfferCheck[], theme: Theme): string[] {
  const signs = {
    problem: theme.bad(symbols.bad),
    warning: theme.warn(symbols.warn),
    unknown: `${theme.warn(symbols.warn)} not evaluated:`,
  }
  return checks.flatMap(({ status, detail, fix }) => {
    if (status === 'good') return []
    const way = fix === undefined ? [] : [`      ${theme.faint('→')} ${fix}`]
    return [`  ${signs[status]} ${detail}`, ...way]
  })
}

function shortened<T>(items: readonly T[], most: number, line: (item: T) => string): string[] {
  const rest = items.length - most
  return [
    ...items.slice(0, most).map(line),
    ...(rest > 0 ? [`  … and ${rest} more (--json has them all)`] : []),
  ]
}

function short(value: unknown): string {
  const text = typeof value === 'string' && value.startsWith('(') ? value : JSON.stringify(value)
  return withEllipsis(text, MOST_CHARACTERS)
}

function firstSentence(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replace(/([.:]) .*$/s, '$1')
}

/** What was applied, and what to type next. */
export function infrastructureResultView(result: InfrastructureResult, theme: Theme): string {
  const { environment, mode, outcome, counts, changedOutputs, durationMs } = result
  const sign = theme.good(symbols.good)
  const time = formatDuration(durationMs)
  if (outcome === 'unchanged')
    return `${sign} ${environment}: the infrastructure is as it should be (${time})`
  if (mode === 'refresh-only')
    return `${sign} ${environment}: the Terraform state was refreshed; no resource was changed (${time})`
  const outputs = changedOutputs === 0 ? '' : `${count(changedOutputs, 'output')} changed`
  const done = ['', counted(counts, (action) => PAST[action]), mode === 'destroy' ? '' : outputs]
  const word = mode === 'destroy' ? 'destroyed' : 'applied'
  const line = `${sign} ${environment}: infrastructure ${[word, ...done.filter(Boolean)].join(', ')} (${time})`
  return mode === 'destroy' ? line : `${line}\n  next: emr outputs ${environment}`
}
