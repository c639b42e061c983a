import { formatDuration } from '../domain/duration.ts'
import { versionChange } from '../domain/image.ts'
import type { FieldChange } from '../domain/manifest/diff.ts'
import type {
  DeployPlan,
  DeployResult,
  ObjectChange,
  ServicePlan,
  Warning,
} from '../workflows/deploy/types.ts'
import { count } from './count.ts'
import { symbols, type Theme } from './theme.ts'

/** What a deploy would do: one line for each service; with `fields`, every field that would change. */
export function planView(plan: DeployPlan, theme: Theme, options: { fields: boolean }): string {
  const width = Math.max(...plan.services.map(({ service }) => service.length))
  const lines = [
    theme.strong(plan.environment) +
      theme.faint(`  namespace ${plan.namespace}, Kubernetes ${plan.clusterVersion}`),
    ...(plan.createNamespace ? [`  ${theme.added('+')} Namespace/${plan.namespace}`] : []),
  ]
  for (const service of plan.services) {
    lines.push(`  ${service.service.padEnd(width)}  ${serviceLine(service, theme)}`)
    if (options.fields) lines.push(...changeLines(service.changes, theme))
  }
  return [...lines, ...warningLines(plan.warnings, theme)].join('\n')
}

/** What the user should know before it happens. */
export function warningLines(warnings: Warning[], theme: Theme): string[] {
  return warnings.flatMap(({ message, suggestions }) => [
    `  ${theme.warn(`${symbols.warn} ${message}`)}`,
    ...suggestions.map((suggestion) => `    ${theme.faint('→')} ${suggestion}`),
  ])
}

/** `3 services to upgrade, 2 unchanged` */
export function planSummary(plan: DeployPlan): string {
  const groups = Map.groupBy(plan.services, ({ action }) => action)
  const parts = [...groups].map(([action, { length }]) => {
    return action === 'unchanged' ? `${length} unchanged` : `${length} to ${action}`
  })
  return parts.join(', ')
}

function serviceLine({ action, image, keptTag, changes }: ServicePlan, theme: Theme): string {
  if (action === 'unchanged') return theme.faint('unchanged')
  const counts = (['create', 'update', 'delete'] as const).flatMap((kind) => {
    const number = changes.filter((change) => change.action === kind).length
    return number === 0 ? [] : [`${number} to ${kind}`]
  })
  const kept = keptTag === undefined ? '' : theme.faint(' (tag kept)')
  return `${theme.strong(action.padEnd(8))} ${versionChange(image)}${kept}  ${counts.join(', ')}`
}

/** Labels that every object of a release carries, and that change with every version. */
const VERSION_LABEL = /^metadata\.labels\."(app\.kubernetes\.io\/version|helm\.sh\/chart)"$/

/** The changed objects with each field that differs; those that only carry the new version are counted. */
export function changeLines(changes: ObjectChange[], theme: Theme): string[] {
  const isLabelled = ({ action, fields }: ObjectChange) =>
    action === 'update' && fields.every(({ path }) => VERSION_LABEL.test(path))
  const labelled = changes.filter(isLabelled).length
  const lines = changes
    .filter((change) => !isLabelled(change))
    .flatMap((change) => objectLines(change, theme))
  if (labelled === 0) return lines
  return [
    ...lines,
    `    ${theme.changed(`~ ${count(labelled, 'object')}`)}, nothing but the version in the labels`,
  ]
}

function objectLines({ action, object, fields }: ObjectChange, theme: Theme): string[] {
  if (action === 'create') return [`    ${theme.added(`+ ${object}`)}`]
  if (action === 'delete') return [`    ${theme.removed(`- ${object}`)}`]
  return [`    ${theme.changed(`~ ${object}`)}`, ...fields.flatMap((field) => fieldLines(field, theme))]
}

function fieldLines({ path, before, after }: FieldChange, theme: Theme): string[] {
  const side = (sign: string, value: unknown, paint: (text: string) => string) =>
    value === undefined ? [] : [`          ${paint(`${sign} ${valueText(value)}`)}`]
  return [`        ${path}`, ...side('-', before, theme.removed), ...side('+', after, theme.added)]
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value.replaceAll('\n', '\n            ') : JSON.stringify(value)
}

/** What was done, and what to type next. */
export function resultView(result: DeployResult, theme: Theme): string {
  const { environment, services, durationMs } = result
  const deployed = services.filter(({ outcome }) => outcome === 'deployed')
  const time = formatDuration(durationMs)
  if (deployed.length === 0) {
    return `${theme.good(symbols.good)} ${environment}: nothing to change, ${count(services.length, 'service')} ready (${time})`
  }
  const rest = services.length - deployed.length
  const unchanged = rest === 0 ? '' : `, ${rest} unchanged`
  return `${theme.good(symbols.good)} ${environment}: ${count(deployed.length, 'service')} deployed and ready${unchanged} (${time})`
}
