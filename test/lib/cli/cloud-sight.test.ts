import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { CloudSight } from '../../../src/lib/cli/cloud-sight.ts'
import { type CloudState, startRecordedCloud } from '../../support/cloudwatch-recorded.ts'

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

/** What is seen of an account once each call has ended, one way or another. */
async function see(name: string, state: CloudState, answerMs?: number) {
  states[name] = { alarms: [], database: 'available', ...state }
  const account = { accountId: '222222222222', region: 'us-east-1', endpoint: `${cloud.url}/${name}` }
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const seen = Promise.withResolvers<void>()
  const sight: CloudSight = new CloudSight(
    { name },
    account,
    stop.signal,
    () => sight.sources.every((source) => source.state !== 'loading') && seen.resolve(),
    answerMs,
  )
  await seen.promise
  return {
    parts: sight.parts,
    sources: sight.sources.map(({ name, state, error = '' }) => [name, state, error]),
  }
}

const alarm = { AlarmName: 'emr-platform-part-rds-cpu', StateValue: 'ALARM', StateReason: 'too high' }

test('what one call refuses hides nothing that the others tell', async () => {
  const { parts, sources } = await see('part', {
    alarms: [alarm],
    denied: ['GetMetricData', 'DescribeDBInstances'],
  })
  const may = (doing: string) => expect.stringMatching(`^The AWS identity may not ${doing}: `)
  expect(sources.map(([name, state]) => [name, state])).toEqual([
    ['RDS', 'denied'],
    ['CloudWatch alarms', 'ok'],
    ['CloudWatch metrics', 'ok'],
  ])
  expect(sources[0]).toEqual(['RDS', 'denied', may('read the RDS instances')])
  expect(parts).toEqual({
    alarms: [{ name: alarm.AlarmName, state: 'ALARM', reason: 'too high' }],
    figures: [],
  })
})

test('a call without an answer becomes old, the others do not', async () => {
  const { parts, sources } = await see('quiet', { silent: ['DescribeAlarms'] }, 1_000)
  const silent = 'AWS did not answer within 1 s'
  expect(sources).toEqual([
    ['RDS', 'ok', ''],
    ['CloudWatch alarms', 'stale', silent],
    ['CloudWatch metrics', 'stale', silent],
  ])
  expect(parts).toEqual({ databases: [{ id: 'emr-platform-quiet', status: 'available' }] })
})

test('alarms of an environment whose name begins alike are not its own', async () => {
  const named = (name: string) => ({ ...alarm, AlarmName: name, MetricName: 'CPUUtilization' })
  const names = ['emr-platform-dev-rds-cpu', 'emr-platform-development-rds-cpu']
  const { parts } = await see('dev', { alarms: names.map(named) })
  expect(parts.alarms?.map(({ name }) => name)).toEqual(['emr-platform-dev-rds-cpu'])
  expect(parts.figures?.map(({ name }) => name)).toEqual(['rds-cpu'])
})
