import { formatDuration } from '../domain/duration.ts'
import { withEllipsis } from '../domain/ellipsis.ts'
import type { OfferCheck } from '../domain/terraform/offers.ts'
import type { ResourceAction, ResourceChange } from '../domain/terraform/plan.ts'
import type { Counts } from '../domain/terraform/summary.ts'
import type { InfrastructurePlan, InfrastructureResult } from '../workflows/infrastructure/types.ts'
import { count } from './count.ts'
import { table } from './table.ts'
import { symbols, type Theme } from './theme.ts'

/** With the groups (13 at most) and the warnings, a plan of any size fits on a screen of 40 lines. */
const MOST_CHANGES = 16
const MOST_WARNINGS = 5
const MOST_CHARACTERS = 36

/** What takes away first. */
const PAST: Record<ResourceAction, string> = {
  delete: 'deleted',
  replace: 'replaced',
  update: 'updated',
  forget: 'forgotten',
  create: 'created',
}
const ACTIONS = Object.keys(PAST) as ResourceAction[]

/** What a plan would do: everything that touches what exists line by line, what is new by concern. */
export function infrastructurePlanView(plan: InfrastructurePlan, theme: Theme): string {
  const { environment, workspace, fingerprint, changes, drift, checks, warnings } = plan
  const head = `${theme.strong(`${environment}: infrastructure`)}${theme.faint(`  workspace ${workspace}, plan ${fingerprint}`)}`
  const touched = changes.filter(({ action }) => action !== 'create')
  return [
    head,
    ...changeLines(touched, theme),
    ...groupLines(plan, theme),
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

function closingLine({ mode, changes, counts, drift, checks }: InfrastructurePlan): string {
  const refused = checks.some(({ status }) => status === 'problem')
  if (changes.length > 0)
    return `${planCounts(counts)}.${refused ? ' A deploy refuses it until that is mended.' : ''}`
  if (mode !== 'refresh-only') return 'Nothing to change.'
  return drift.length === 0 ? 'Nothing was changed outside Terraform.' : 'A deploy puts it back.'
}

/** `3 to create, 1 to replace` */
export function planCounts(counts: Counts): string {
  return counted(counts, (action) => `to ${action}`)
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
  }
  const values = fields.map(
    ({ attribute, before, after }) => `${attribute} ${short(before)} → ${short(after)}`,
  )
  const why = reasons.length === 0 ? '' : `  ${theme.warn(reasons.join('; '))}`
  const [first, second, ...rest] = values
  const what = [first, second, rest.length ? `${rest.length} more` : undefined].filter(Boolean).join(', ')
  return `${signs[action]} ${action.padEnd(7)} ${theme.strong(address)}${why}${what && `  ${theme.faint(what)}`}`
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
  const { environment, mode, outcome, counts, durationMs } = result
  const sign = theme.good(symbols.good)
  const time = formatDuration(durationMs)
  if (outcome === 'unchanged')
    return `${sign} ${environment}: the infrastructure is as it should be (${time})`
  const done = counted(counts, (action) => PAST[action])
  const line = `${sign} ${environment}: infrastructure ${mode === 'destroy' ? 'destroyed' : 'applied'}, ${done} (${time})`
  return mode === 'destroy' ? line : `${line}\n  next: emr outputs ${environment}`
}
