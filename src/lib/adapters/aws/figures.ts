import type { MetricAlarm, MetricDataQuery, MetricDataResult } from '@aws-sdk/client-cloudwatch'
import type { AwsAccount } from '../../domain/environment.ts'
import type { Figure } from '../../domain/monitor/sight.ts'
import { platformName } from '../../domain/platform-name.ts'
import { withClient } from './client.ts'

/** How many queries one GetMetricData call may have; more metrics take a further call. */
const QUERIES = 500
const PERIOD_SECONDS = 60
const POINTS = 20

/** An alarm, what CloudWatch is asked for it, and which of the answers is its figure. */
interface Watched {
  alarm: MetricAlarm
  queries: MetricDataQuery[]
  figure: MetricDataQuery
}

/**
 * What the alarms of an environment watch (RDS, Redis, MSK, EKS), with its last values: all alarms by DescribeAlarms, and then
 * all their metrics in one GetMetricData call. The newest minute is left out: it is not complete yet.
 * @param now epoch milliseconds
 */
export async function alarmFigures(
  account: AwsAccount,
  environment: string,
  now: number,
  abortSignal: AbortSignal,
): Promise<Figure[]> {
  const { CloudWatchClient, paginateDescribeAlarms, paginateGetMetricData } = await import(
    '@aws-sdk/client-cloudwatch'
  )
  const prefix = `${platformName(environment)}-`
  return withClient(CloudWatchClient, account, 'read the CloudWatch metrics', async (client) => {
    const alarms: MetricAlarm[] = []
    const query = { AlarmNamePrefix: prefix, AlarmTypes: ['MetricAlarm' as const] }
    for await (const page of paginateDescribeAlarms({ client }, query, { abortSignal }))
      alarms.push(...(page.MetricAlarms ?? []))
    const watched = alarms.flatMap(watchedBy)
    const minute = PERIOD_SECONDS * 1000
    const end = Math.floor(now / minute) * minute
    const time = { StartTime: new Date(end - POINTS * minute), EndTime: new Date(end) }
    const results = new Map<string | undefined, MetricDataResult>()
    for (const MetricDataQueries of batchesOf(watched)) {
      const input = { MetricDataQueries, ...time, ScanBy: 'TimestampAscending' as const }
      for await (const page of paginateGetMetricData({ client }, input, { abortSignal })) {
        for (const result of page.MetricDataResults ?? []) {
          const Values = [...(results.get(result.Id)?.Values ?? []), ...(result.Values ?? [])]
          results.set(result.Id, { ...result, Values })
        }
      }
    }
    return watched.map((each) => figureOf(each, prefix, results.get(each.figure.Id)))
  })
}

function figureOf(
  { alarm, figure }: Watched,
  prefix: string,
  { Values: values = [], StatusCode }: MetricDataResult = {},
): Figure {
  const { AlarmName = '', MetricName, Threshold: threshold } = alarm
  return {
    alarm: AlarmName,
    name: AlarmName.slice(prefix.length),
    unit: MetricName ?? figure.Label ?? figure.Expression ?? '',
    values,
    threshold,
    state: stateOf(alarm, StatusCode),
  }
}

/** CloudWatch judges an alarm by what it reads itself, not by what this identity may read. */
function stateOf({ StateValue }: MetricAlarm, statusCode: string | undefined): string {
  if (StateValue !== 'OK') return StateValue ?? ''
  if (statusCode === 'Forbidden') return 'FORBIDDEN'
  return statusCode === 'PartialData' || statusCode === 'InternalError' ? 'PARTIAL' : StateValue
}

/** None for an alarm on a query in SQL (Metrics Insights): a call may have one of them only. */
function watchedBy(alarm: MetricAlarm, index: number): Watched[] {
  const { Namespace, MetricName, Dimensions, Statistic, ExtendedStatistic, Metrics = [] } = alarm
  if (MetricName !== undefined) {
    const Metric = { Namespace, MetricName, Dimensions }
    const MetricStat = { Metric, Period: PERIOD_SECONDS, Stat: ExtendedStatistic ?? Statistic ?? 'Average' }
    const figure = { Id: `m${index}`, MetricStat }
    return [{ alarm, queries: [figure], figure }]
  }
  if (Metrics.some(({ Expression }) => /^\s*SELECT\b/i.test(Expression ?? ''))) return []
  const queries = Metrics.map((query) => renamed(query, Metrics, `m${index}_`))
  // An alarm on an anomaly also returns the band that its metric has to stay in.
  const at = Metrics.findIndex(({ Id, ReturnData }) => ReturnData !== false && Id !== alarm.ThresholdMetricId)
  const figure = queries[at]
  return figure === undefined ? [] : [{ alarm, queries, figure }]
}

/** Each alarm has ids of its own, which its expressions name; in one call, two alarms must not have the same. */
function renamed(query: MetricDataQuery, all: MetricDataQuery[], prefix: string): MetricDataQuery {
  const ids = new Set(all.map(({ Id }) => Id))
  const Expression = query.Expression?.replace(/"[^"]*"|'[^']*'|\w+/g, (word) =>
    ids.has(word) ? `${prefix}${word}` : word,
  )
  return { ...query, Id: `${prefix}${query.Id}`, ...(Expression !== undefined && { Expression }) }
}

/** An expression finds only what is asked in the same call. */
function batchesOf(watched: Watched[]): MetricDataQuery[][] {
  const batches: MetricDataQuery[][] = []
  for (const { queries } of watched) {
    const last = batches.at(-1)
    if (last && last.length + queries.length <= QUERIES) last.push(...queries)
    else batches.push([...queries])
  }
  return batches
}
