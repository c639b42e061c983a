import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { alarmFigures } from '../../../../src/lib/adapters/aws/figures.ts'
import { type CloudState, startRecordedCloud } from '../../../support/cloudwatch-recorded.ts'

const MINUTE = Date.parse('2026-03-02T10:30:00Z')

let cloud: Awaited<ReturnType<typeof startRecordedCloud>>
const states: Record<string, CloudState> = {}
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'testing')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'testing')
  cloud = await startRecordedCloud(states)
})
afterAll(() => {
  vi.unstubAllEnvs()
  cloud.close()
})

const onMetric = (name: string) => ({
  ...{ AlarmName: `emr-platform-x-${name}`, StateValue: 'OK', ActionsEnabled: true, Threshold: 90 },
  ...{ Namespace: 'AWS/RDS', MetricName: 'CPUUtilization', Statistic: 'Maximum', Period: 60 },
})
const stat = (MetricName: string) => {
  return { Metric: { Namespace: 'AWS/Kafka', MetricName, Dimensions: [] }, Period: 60, Stat: 'Average' }
}

/** The figures of these alarms 59 s after the minute, and the calls for their values. */
async function read(alarms: CloudState['alarms']) {
  states.x = { alarms }
  cloud.calls.splice(0)
  const account = { accountId: '222222222222', region: 'us-east-1', endpoint: `${cloud.url}/x` }
  const signal = AbortSignal.timeout(20_000)
  const figures = await alarmFigures(account, 'x', MINUTE + 59_000, signal)
  return {
    figures,
    calls: cloud.calls.flatMap(({ name, input }) => (name === 'GetMetricData' ? [input] : [])),
  }
}

test('all values are asked for in one call, of whole minutes, without the one that is not over', async () => {
  const { figures, calls } = await read([onMetric('a'), onMetric('b')])
  expect(figures.map(({ name, values }) => [name, values])).toEqual([
    ['a', [7]],
    ['b', [7]],
  ])
  const Metric = { Namespace: 'AWS/RDS', MetricName: 'CPUUtilization' }
  const MetricStat = { Metric, Period: 60, Stat: 'Maximum' }
  expect(calls).toEqual([
    {
      StartTime: MINUTE / 1000 - 20 * 60,
      EndTime: MINUTE / 1000,
      ScanBy: 'TimestampAscending',
      MetricDataQueries: [
        { Id: 'm0', MetricStat },
        { Id: 'm1', MetricStat },
      ],
    },
  ])
})

test('an alarm on arithmetic is asked for with its metrics, under ids of its own', async () => {
  const onSum = {
    ...{ AlarmName: 'emr-platform-x-kafka-cpu-1', StateValue: 'OK', ActionsEnabled: true, Threshold: 60 },
    Metrics: [
      { Id: 'total', Expression: 'SUM([user, system]) + user', Label: 'CPU user + system', ReturnData: true },
      { Id: 'user', MetricStat: stat('CpuUser'), ReturnData: false },
      { Id: 'system', MetricStat: stat('CpuSystem'), ReturnData: false },
    ],
  }
  const { figures, calls } = await read([onMetric('a'), onSum])
  expect(figures[1]).toEqual({
    ...{ name: 'kafka-cpu-1', alarm: 'emr-platform-x-kafka-cpu-1', unit: 'CPU user + system' },
    ...{ values: [7], threshold: 60, state: 'OK' },
  })
  expect(calls[0].MetricDataQueries.slice(1)).toEqual([
    { ...onSum.Metrics[0], Id: 'm1_total', Expression: 'SUM([m1_user, m1_system]) + m1_user' },
    { ...onSum.Metrics[1], Id: 'm1_user' },
    { ...onSum.Metrics[2], Id: 'm1_system' },
  ])
})

test('an alarm on an anomaly shows its metric, and one in SQL has no figure', async () => {
  const alarm = { StateValue: 'OK', ActionsEnabled: true }
  const onBand = {
    ...{ ...alarm, AlarmName: 'emr-platform-x-anomaly', ThresholdMetricId: 'band' },
    Metrics: [
      { Id: 'band', Expression: 'ANOMALY_DETECTION_BAND(load, 2)' },
      { Id: 'load', MetricStat: stat('Load') },
    ],
  }
  const inSql = {
    ...{ ...alarm, AlarmName: 'emr-platform-x-sql', Threshold: 1 },
    Metrics: [{ Id: 'q', Expression: 'SELECT MAX(CPUUtilization) FROM "AWS/RDS"', Period: 60 }],
  }
  const { figures, calls } = await read([inSql, onBand])
  expect(figures).toMatchObject([{ name: 'anomaly', values: [7] }])
  expect(calls[0].MetricDataQueries.map(({ Id }: { Id: string }) => Id)).toEqual(['m1_band', 'm1_load'])
})

test('more metrics than one call may have take two, and none is left out', async () => {
  const { figures, calls } = await read(Array.from({ length: 501 }, (_, index) => onMetric(`a${index}`)))
  expect(calls.map(({ MetricDataQueries }) => MetricDataQueries.length)).toEqual([500, 1])
  expect(figures.every(({ values }) => values.length === 1)).toBe(true)
  expect(figures).toHaveLength(501)
})

test('no alarm, no call', async () => {
  expect(await read([])).toEqual({ figures: [], calls: [] })
})
