import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const alarm = (name: string, more: object = {}) => ({
  AlarmName: `emr-platform-recorded-${name}`,
  StateValue: 'OK',
  ActionsEnabled: true,
  ...more,
})
const metric = (Namespace: string, MetricName: string, Dimensions: object[], Threshold: number) => ({
  Namespace,
  MetricName,
  Dimensions,
  Threshold,
  Statistic: 'Average',
  Period: 60,
})

/** What CloudWatch answers and the emulator cannot: further types of alarms, pages, results in part and refused. */
const PAGES: Record<string, object> = {
  '': {
    MetricAlarms: [
      alarm('redis-memory', metric('AWS/ElastiCache', 'DatabaseMemoryUsagePercentage', [], 80)),
      alarm(
        'msk-disk',
        metric('AWS/Kafka', 'KafkaDataLogsDiskUsed', [{ Name: 'Cluster Name', Value: 'emr' }], 85),
      ),
    ],
    CompositeAlarms: [
      alarm('composite', { StateValue: 'ALARM', StateReason: 'two of its alarms are in ALARM' }),
    ],
    NextToken: 'second',
  },
  second: {
    MetricAlarms: [
      alarm('eks-nodes', metric('ContainerInsights', 'node_cpu_utilization', [], 80)),
      alarm('eks-memory', {
        ...metric('ContainerInsights', 'node_memory_utilization', [], 80),
        StateValue: 'ALARM',
        StateReason: 'Threshold Crossed',
      }),
      // Its figure's name ends like that of the composite alarm.
      alarm('site', metric('AWS/RDS', 'DBLoad', [], 2)),
      alarm('silent', { ...metric('AWS/RDS', 'CPUUtilization', [], 90), ActionsEnabled: false }),
    ],
    LogAlarms: [alarm('errors', { StateValue: 'INSUFFICIENT_DATA', StateReason: 'no data points' })],
  },
}
const RESULTS = [
  { Id: 'm0', StatusCode: 'Complete', Values: [40, 50, 60] },
  { Id: 'm1', StatusCode: 'PartialData', Values: [12] },
  { Id: 'm2', StatusCode: 'Forbidden', Values: [] },
  { Id: 'm3', StatusCode: 'Forbidden', Values: [] },
  { Id: 'm4', StatusCode: 'Complete', Values: [1] },
  { Id: 'm5', StatusCode: 'Complete', Values: [1] },
]
const FAILURES: Record<string, [status: number, code: string, message: string]> = {
  expired: [400, 'ExpiredTokenException', 'The security token included in the request is expired'],
  denied: [
    403,
    'AccessDeniedException',
    'User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform this action',
  ],
}

/** What an account holds beside what is recorded here. */
export interface CloudState {
  /** Status of its database, `emr-platform-ACCOUNT`. */
  database?: string
  /** As DescribeAlarms tells them. */
  alarms?: object[]
}

/**
 * CloudWatch and RDS as recorded, under `/recorded`; under `/expired` and `/denied` they refuse.
 * @param states further ones, by name: the path that they are served under
 */
export async function startRecordedCloud(
  states: Record<string, CloudState> = {},
): Promise<{ url: string; close: () => void }> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const mode = request.url?.split('/')[1] ?? ''
    const isRds = body.startsWith('Action=')
    const failure = FAILURES[mode]
    if (failure) {
      const [status, code, message] = failure
      const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`
      response.writeHead(status, { 'content-type': isRds ? 'text/xml' : 'application/x-amz-json-1.0' })
      response.end(
        isRds ? `<ErrorResponse>${error}</ErrorResponse>` : JSON.stringify({ __type: code, message }),
      )
      return
    }
    response.writeHead(200, { 'content-type': isRds ? 'text/xml' : 'application/x-amz-json-1.0' })
    const { database = 'maintenance', alarms } = states[mode] ?? {}
    const told = alarms ? { MetricAlarms: alarms } : undefined
    response.end(
      isRds
        ? databases(mode, database)
        : JSON.stringify(told ?? cloudWatch(String(request.headers['x-amz-target']), body)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function cloudWatch(target: string, body: string): unknown {
  const input = JSON.parse(body)
  if (target.endsWith('GetMetricData')) {
    const count = input.MetricDataQueries.length
    return { MetricDataResults: RESULTS.slice(0, count), Messages: [] }
  }
  return PAGES[input.NextToken ?? '']
}

function databases(name: string, status: string): string {
  const instance = `<DBInstanceIdentifier>emr-platform-${name}</DBInstanceIdentifier>`
  const list = `<DBInstances><DBInstance>${instance}<DBInstanceStatus>${status}</DBInstanceStatus></DBInstance></DBInstances>`
  const result = `<DescribeDBInstancesResult>${list}</DescribeDBInstancesResult>`
  return `<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">${result}</DescribeDBInstancesResponse>`
}
