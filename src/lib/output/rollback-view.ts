import { formatDuration } from '../domain/duration.ts'
import { versionChange } from '../domain/image.ts'
import type { RollbackPlan, RollbackResult, RollbackService } from '../workflows/rollback/types.ts'
import { count } from './count.ts'
import { changeLines, warningLines } from './deploy-view.ts'
import { symbols, type Theme } from './theme.ts'

/** What a rollback would do: one line for each service; with `fields`, every field that would change. */
export function rollbackPlanView(plan: RollbackPlan, theme: Theme, options: { fields: boolean }): string {
  const { environment, namespace, set, services, added, missing } = plan
  const width = Math.max(
    ...[...services.map(({ service }) => service), ...added, ...missing].map((name) => name.length),
  )
  const from = set ? `to the set of ${set.startedAt} (${set.id})` : 'to a named revision'
  const lines = [`${theme.strong(environment)}${theme.faint(`  namespace ${namespace}, back ${from}`)}`]
  if (set && !set.proven) lines.push(`  ${theme.warn(`${symbols.warn} no smoke tests have proven that set`)}`)
  for (const service of services) {
    lines.push(`  ${service.service.padEnd(width)}  ${serviceLine(service, theme)}`)
    if (options.fields) lines.push(...changeLines(service.changes, theme))
  }
  const leave = (name: string, why: string) => lines.push(`  ${name.padEnd(width)}  ${theme.warn(why)}`)
  for (const name of added) leave(name, 'was added after that set: stays as it is')
  for (const name of missing) leave(name, 'is not installed any more: a deploy must bring it back')
  return [...lines, ...warningLines(plan.warnings, theme)].join('\n')
}

function serviceLine({ action, image, revision, target, changes }: RollbackService, theme: Theme): string {
  if (action === 'unchanged') return theme.faint(`unchanged (revision ${revision})`)
  const objects = count(changes.length, 'object')
  return `${theme.strong('rollback')} ${versionChange(image)}  revision ${revision} → as ${target} was, ${objects}`
}

/** What was done. */
export function rollbackResultView(
  { environment, services, durationMs, added }: RollbackResult,
  theme: Theme,
): string {
  const back = services.filter(({ outcome }) => outcome === 'rolled-back').length
  const time = formatDuration(durationMs)
  const good = theme.good(symbols.good)
  const left = added.length > 0 ? `; left as they are: ${added.join(', ')}` : ''
  if (back === 0)
    return `${good} ${environment}: nothing to go back from, ${count(services.length, 'service')} ready (${time})${left}`
  const rest = services.length - back
  const unchanged = rest === 0 ? '' : `, ${rest} unchanged`
  return `${good} ${environment}: ${count(back, 'service')} back and ready${unchanged} (${time})${left}`
}
