import type { MetricAlarm, MetricDataQuery } from '@aws-sdk/client-cloudwatch'
import type { AwsAccount } from '../../domain/environment.ts'
import type { Figure } from '../../domain/monitor/sight.ts'
import { withClient } from './client.ts'

/** The limit of one GetMetricData call. */
const QUERIES = 500
const PERIOD_SECONDS = 60
const POINTS = 20

/**
 * What the platform's alarms watch (RDS, Redis, MSK, EKS), with its last values: all alarms by DescribeAlarms, and then
 * all their metrics in one GetMetricData call. The newest minute is left out: it is not complete yet.
 * @param now epoch milliseconds
 */
export async function alarmFigures(
  account: AwsAccount,
  prefix: string,
  now: number,
  abortSignal: AbortSignal,
): Promise<Figure[]> {
  const { CloudWatchClient, GetMetricDataCommand, paginateDescribeAlarms } = await import(
    '@aws-sdk/client-cloudwatch'
  )
  return withClient(CloudWatchClient, account, 'read the CloudWatch metrics', async (client) => {
    const alarms: MetricAlarm[] = []
    const query = { AlarmNamePrefix: prefix, AlarmTypes: ['MetricAlarm' as const] }
    for await (const page of paginateDescribeAlarms({ client }, query, { abortSignal })) {
      alarms.push(...(page.MetricAlarms ?? []).filter(({ MetricName }) => MetricName !== undefined))
    }
    const asked = alarms.slice(0, QUERIES)
    if (asked.length === 0) return []
    const minute = PERIOD_SECONDS * 1000
    const end = Math.floor(now / minute) * minute
    const { MetricDataResults = [] } = await client.send(
      new GetMetricDataCommand({
        MetricDataQueries: asked.map(queryOf),
        StartTime: new Date(end - POINTS * minute),
        EndTime: new Date(end),
        ScanBy: 'TimestampAscending',
      }),
      { abortSignal },
    )
    const results = new Map(MetricDataResults.map(({ Id, ...result }) => [Id, result]))
    return asked.map((alarm, index) => {
      const { Values = [], StatusCode } = results.get(`m${index}`) ?? {}
      return {
        alarm: alarm.AlarmName ?? '',
        name: (alarm.AlarmName ?? '').slice(prefix.length).replace(/^-/, ''),
        unit: alarm.MetricName ?? '',
        values: Values,
        threshold: alarm.Threshold,
        state: stateOf(alarm, StatusCode),
      }
    })
  })
}

/** CloudWatch judges an alarm by what it reads itself, not by what this identity may read. */
function stateOf({ StateValue }: MetricAlarm, statusCode: string | undefined): string {
  if (StateValue !== 'OK') return StateValue ?? ''
  if (statusCode === 'Forbidden') return 'FORBIDDEN'
  return statusCode === 'PartialData' || statusCode === 'InternalError' ? 'PARTIAL' : StateValue
}

function queryOf(alarm: MetricAlarm, index: number): MetricDataQuery {
  const { Namespace, MetricName, Dimensions, Statistic, ExtendedStatistic } = alarm
  return {
    Id: `m${index}`,
    MetricStat: {
      Metric: { Namespace, MetricName, Dimensions },
      Period: PERIOD_SECONDS,
      Stat: ExtendedStatistic ?? Statistic ?? 'Average',
    },
  }
}
