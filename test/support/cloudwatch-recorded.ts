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
/** The first one goes on in a second page. */
const RESULTS = [
  { Id: 'm0', StatusCode: 'PartialData', Values: [40, 50] },
  { Id: 'm1', StatusCode: 'PartialData', Values: [12] },
  { Id: 'm2', StatusCode: 'Forbidden', Values: [] },
  { Id: 'm3', StatusCode: 'Forbidden', Values: [] },
  { Id: 'm4', StatusCode: 'Complete', Values: [1] },
  { Id: 'm5', StatusCode: 'Complete', Values: [1] },
]
const REST = [{ Id: 'm0', StatusCode: 'Complete', Values: [60] }]
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
  /** Status of its database. */
  database?: string
  /** Identifier of it; `emr-platform-ACCOUNT` unless told otherwise. */
  instance?: string
  /** As DescribeAlarms tells them. */
  alarms?: { AlarmName: string }[]
  /** Calls that the identity may not make, and ones that get no answer. */
  denied?: string[]
  silent?: string[]
}

/** A call of CloudWatch: its name, and what was asked. */
export interface CloudCall {
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: as the wire has it
  input: any
}

/**
 * CloudWatch and RDS as recorded, under `/recorded`; under `/expired` and `/denied` they refuse.
 * @param states further ones, by name: the path that they are served under
 */
export async function startRecordedCloud(
  states: Record<string, CloudState> = {},
): Promise<{ url: string; calls: CloudCall[]; close: () => void }> {
  const calls: CloudCall[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const mode = request.url?.split('/')[1] ?? ''
    const isRds = body.startsWith('Action=')
    const state = states[mode] ?? {}
    const target = String(request.headers['x-amz-target']).split('.').at(-1) ?? ''
    const name = isRds ? 'DescribeDBInstances' : target
    const call = { name, input: isRds ? body : JSON.parse(body) }
    calls.push(call)
    if (state.silent?.includes(name)) return
    const [status, answer] = answerTo(call, mode, state)
    response.writeHead(status, { 'content-type': isRds ? 'text/xml' : 'application/x-amz-json-1.0' })
    response.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function answerTo(call: CloudCall, mode: string, state: CloudState): [status: number, body: string] {
  const isRds = call.name === 'DescribeDBInstances'
  const failure = FAILURES[state.denied?.includes(call.name) ? 'denied' : mode]
  if (failure === undefined) {
    const { instance = `emr-platform-${mode}`, database = 'maintenance' } = state
    return [200, isRds ? databases(instance, database) : JSON.stringify(cloudWatch(call, state.alarms))]
  }
  const [status, code, message] = failure
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return [
    status,
    isRds ? `<ErrorResponse>${error}</ErrorResponse>` : JSON.stringify({ __type: code, message }),
  ]
}

function cloudWatch({ name, input }: CloudCall, alarms: CloudState['alarms']): unknown {
  if (name === 'GetMetricData') return metricData(input, alarms !== undefined)
  const own = alarms?.filter(({ AlarmName }) => AlarmName.startsWith(input.AlarmNamePrefix ?? ''))
  const page = own ? { MetricAlarms: own } : (PAGES[input.NextToken ?? ''] ?? {})
  // Who does not ask for types is told of alarms on metrics alone.
  const types: string[] = input.AlarmTypes ?? ['MetricAlarm']
  const wanted = Object.entries(page).filter(
    ([key]) => key === 'NextToken' || types.includes(key.slice(0, -1)),
  )
  return Object.fromEntries(wanted)
}

function metricData({ MetricDataQueries, NextToken }: CloudCall['input'], isState: boolean): unknown {
  if (!isState) {
    if (NextToken === 'rest') return { MetricDataResults: REST }
    return { MetricDataResults: RESULTS.slice(0, MetricDataQueries.length), NextToken: 'rest' }
  }
  const returned = MetricDataQueries.filter(
    ({ ReturnData }: { ReturnData?: boolean }) => ReturnData !== false,
  )
  return {
    MetricDataResults: returned.map(({ Id }: { Id: string }) => ({
      Id,
      StatusCode: 'Complete',
      Values: [7],
    })),
  }
}

function databases(id: string, status: string): string {
  const instance = `<DBInstanceIdentifier>${id}</DBInstanceIdentifier>`
  const endpoint = `<Endpoint><Address>${id}.abc.us-east-1.rds.amazonaws.com</Address><Port>5432</Port></Endpoint>`
  const list = `<DBInstances><DBInstance>${instance}${endpoint}<DBInstanceStatus>${status}</DBInstanceStatus></DBInstance></DBInstances>`
  const result = `<DescribeDBInstancesResult>${list}</DescribeDBInstancesResult>`
  return `<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">${result}</DescribeDBInstancesResponse>`
}
