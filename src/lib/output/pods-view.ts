import { formatDuration } from '../domain/duration.ts'
import { type PodsPlan, type PodsResult, patchesOf } from '../workflows/change-pods.ts'
import { symbols, type Theme } from './theme.ts'

/** What a scale or a restart would do, a line for each Deployment. */
export function podsPlanView(
  { environment, service, replicas, deployments }: PodsPlan,
  theme: Theme,
): string {
  const lines = deployments.map(({ name, before }) => {
    if (replicas === undefined) return `restarts the ${before.replicas} pods of ${name}, a few at a time`
    const patches = patchesOf(before, replicas)
    if (patches.length === 0) return `${name} is so already`
    const parts = [
      ...(patches.includes('minimum')
        ? [`minReplicas of its autoscaler ${before.autoscaler?.min} → ${replicas}`]
        : []),
      ...(patches.includes('replicas') ? [`replicas ${before.replicas} → ${replicas}`] : []),
    ]
    return `${name}: ${parts.join(', ')}`
  })
  return [`${theme.strong(environment)}  ${service}`, ...lines.map((line) => `  ${line}`)].join('\n')
}

/** What was done, and for how long it stands. */
export function podsResultView(
  { environment, service, replicas, outcome, durationMs }: PodsResult,
  { deployments }: PodsPlan,
  theme: Theme,
): string {
  const good = theme.good(symbols.good)
  const time = formatDuration(durationMs)
  if (outcome === 'restarted') return `${good} ${environment}: ${service} restarted and ready (${time})`
  const least = deployments.some(({ before }) => before.autoscaler) ? 'at least ' : ''
  const first = `${good} ${environment}: ${service} has ${least}${replicas} pods, all ready (${time})`
  return `${first}\n  It stands until the next deploy or emr set: to keep it, write it into the values files and deploy.`
}
