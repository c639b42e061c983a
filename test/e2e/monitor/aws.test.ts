import { resolve } from 'node:path'
import { CloudWatchClient, PutMetricAlarmCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { CreateDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { describeCluster } from '../../../src/lib/adapters/aws/eks.ts'
import { alarmFigures } from '../../../src/lib/adapters/aws/figures.ts'
import { type CloudState, startRecordedCloud } from '../../support/cloudwatch-recorded.ts'
import { createCluster, type Emulator, MOTO_ACCOUNT, motoLack, startEmulator } from '../../support/moto.ts'
import { openProject, type Project } from '../project.ts'

const chart = resolve(import.meta.dirname, '../../../helm/task-service')
/** One namespace for all environments: they differ in their AWS only. */
const namespace = `emr-platform-cloud-${process.pid}`
const MINUTE_MS = 60_000
const states: Record<string, CloudState> = {
  gone: { alarms: [], database: 'available' },
  unnamed: { alarms: [], database: 'available', instance: 'patients' },
  partly: {
    ...{ database: 'available', denied: ['GetMetricData'] },
    alarms: [
      {
        ...{ AlarmName: 'emr-platform-partly-rds-cpu', StateValue: 'INSUFFICIENT_DATA' },
        ...{ StateReason: 'no data points', Namespace: 'AWS/RDS', MetricName: 'CPUUtilization' },
      },
    ],
  },
}
/** The one that is not over when the metrics are made. */
const minute = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS

describe.skipIf(motoLack() !== undefined)('AWS in emr monitor, diagnose and logs', () => {
  let emulator: Emulator
  let recorded: Awaited<ReturnType<typeof startRecordedCloud>>
  let project: Project
  beforeAll(async () => {
    ;[emulator, recorded] = await Promise.all([startEmulator(), startRecordedCloud(states)])
    const on = (endpoint: string, more: object = {}) => ({
      ...more,
      namespace,
      aws: { accountId: MOTO_ACCOUNT, region: 'us-east-1', endpoint },
    })
    project = await openProject({
      services: { 'task-service': { chart } },
      environments: {
        e2e: { namespace },
        cloud: on(emulator.endpoint),
        ...Object.fromEntries(
          ['recorded', 'expired', 'denied'].map((mode) => [mode, on(`${recorded.url}/${mode}`)]),
        ),
        gone: on(`${recorded.url}/gone`, { database: { instance: 'patients' } }),
        unnamed: on(`${recorded.url}/unnamed`),
        partly: on(`${recorded.url}/partly`),
      },
      env: emulator.env,
    })
    await Promise.all([furnish(emulator), project.emr('deploy', 'e2e', '--skip-infra', '--skip-smoke-tests')])
  })
  afterAll(async () => {
    await project?.close()
    recorded?.close()
    await emulator?.stop()
  })

  test('databases, and the figures that the alarms watch, without the minute that is not over', async () => {
    const { code, stdout } = await project.emr('monitor', 'cloud', '--json')
    const { health, databases, figures, alarms } = JSON.parse(stdout)
    expect({ code, health, alarms }).toEqual({ code: 0, health: 'healthy', alarms: [] })
    expect(databases).toEqual([{ id: 'emr-platform-cloud', status: 'available' }])
    expect(figures).toEqual([
      {
        name: 'rds-cpu',
        alarm: 'emr-platform-cloud-rds-cpu',
        unit: 'CPUUtilization',
        values: expect.arrayContaining([10, 20, 30]),
        threshold: 90,
        state: 'OK',
      },
    ])
    const { stdout: text } = await project.emr('monitor', 'cloud')
    expect(text).toMatch(/rds-cpu +✔ OK +\d+ +90 +▁▂▃/)
    for (const [name, value] of Object.entries(emulator.env)) vi.stubEnv(name, value)
    const account = { accountId: MOTO_ACCOUNT, region: 'us-east-1', endpoint: emulator.endpoint }
    const signal = AbortSignal.timeout(20_000)
    const valuesAt = async (now: number) => {
      const [figure] = await alarmFigures(account, 'cloud', now, signal)
      return figure?.values
    }
    expect(await valuesAt(minute + MINUTE_MS - 1)).toEqual([10, 20, 30])
    expect(await valuesAt(minute + MINUTE_MS)).toEqual([10, 20, 30, 99])
    const cluster = await describeCluster(account, 'emr-platform-cloud', signal)
    vi.unstubAllEnvs()
    expect(cluster.endpoint).toMatch(/^https:/)
  })

  test('all types of alarms, those that would tell nobody, and figures that are refused or partial', async () => {
    const { code, stdout } = await project.emr('monitor', 'recorded', '--json')
    const { health, figures, alarms } = JSON.parse(stdout)
    expect({ code, health }).toEqual({ code: 1, health: 'unhealthy' })
    expect(alarms.map(({ name, state }: { name: string; state: string }) => [name, state])).toEqual([
      ['emr-platform-recorded-composite', 'ALARM'],
      ['emr-platform-recorded-eks-memory', 'ALARM'],
      ['emr-platform-recorded-silent', 'ACTIONS_DISABLED'],
      ['emr-platform-recorded-errors', 'INSUFFICIENT_DATA'],
    ])
    expect(figures.map(({ name, state }: { name: string; state: string }) => [name, state])).toEqual([
      ['redis-memory', 'OK'],
      ['msk-disk', 'PARTIAL'],
      ['eks-nodes', 'FORBIDDEN'],
      ['eks-memory', 'ALARM'],
      ['site', 'OK'],
      ['silent', 'OK'],
    ])
    // Every alarm that is not OK stands in the panel as such, and before what is well.
    const { stdout: text } = await project.emr('monitor', 'recorded')
    const panel = text.split('\n\n').find((part) => part.startsWith('NAME ')) ?? ''
    const rows = panel.replaceAll(/ +/g, ' ').replaceAll(/ $/gm, '').trim().split('\n')
    expect(rows.slice(1)).toEqual([
      'emr-platform-recorded ✖ maintenance',
      'emr-platform-recorded-composite ✖ ALARM two of its alarms are in ALARM',
      'emr-platform-recorded-errors ▲ INSUFFICIENT_DATA no data points',
      'msk-disk ▲ PARTIAL 12 85 ▂',
      'eks-nodes ▲ FORBIDDEN - 80',
      'eks-memory ✖ ALARM - 80 Threshold Crossed',
      'silent ▲ ACTIONS_DISABLED 1 90 ▁ its actions are turned off: it would tell nobody',
      'redis-memory ✔ OK 60 80 ▅▆▇',
      'site ✔ OK 1 2 ▅',
    ])
    const diagnosis = JSON.parse((await project.emr('diagnose', 'recorded', '--json')).stdout)
    expect(diagnosis.findings[0]).toMatchObject({ code: 'DATABASE_DOWN', reason: 'maintenance' })
  })

  test.each([
    ['expired', /RDS STALE: The AWS credentials have expired .*; run: aws sso login/],
    ['denied', /RDS not evaluated: The AWS identity may not/],
  ])('%s credentials are said, and nothing counts as healthy', async (environment, words) => {
    const { code, stdout } = await project.emr('monitor', environment)
    expect(stdout).toMatch(words)
    expect(stdout).toMatch(/task-service +✔ ready/)
    expect(code).toBe(4)
    const diagnosis = await project.emr('diagnose', environment)
    expect(diagnosis).toMatchObject({ code: 4, stdout: expect.stringContaining('not evaluated: RDS') })
  })

  test.each([
    ['gone', 1, 'unhealthy', /patients +\S missing/],
    [
      'unnamed',
      4,
      'unknown',
      /RDS not evaluated: No RDS instance .*; set environments\.unnamed\.database\.instance/,
    ],
  ])('a database that is %s is never healthy', async (environment, exitCode, health, words) => {
    const { code, stdout } = await project.emr('monitor', environment)
    expect(stdout).toMatch(words)
    expect(stdout).toMatch(new RegExp(`^${environment} \\S ${health}`))
    expect(code).toBe(exitCode)
    expect((await project.emr('diagnose', environment)).code).toBe(exitCode)
  })

  test('what one call may not read hides nothing else in the panel', async () => {
    const { code, stdout } = await project.emr('monitor', 'partly')
    expect(panelOf(stdout)).toEqual([
      expect.stringMatching(
        /^CloudWatch metrics ▲ not evaluated The AWS identity may not read the CloudWatch metrics/,
      ),
      'emr-platform-partly-rds-cpu ▲ INSUFFICIENT_DATA no data points',
      'emr-platform-partly ✔ available',
    ])
    expect(stdout).toMatch(/CloudWatch metrics not evaluated: /)
    expect(code).toBe(1)
  })

  test('flow logs are those of the VPC of the cluster', async () => {
    const { code, stdout } = await project.emr('logs', 'cloud', '--source', 'vpc-flow')
    expect(stdout).toContain('ACCEPT own')
    expect(stdout).not.toContain('ACCEPT other')
    expect(code).toBe(0)
  })

  test("logs come from the document's log groups, masked", async () => {
    const { code, stdout } = await project.emr('logs', 'cloud', '--source', 'application')
    expect(code).toBe(0)
    expect(stdout).toContain('saved patient')
    expect(stdout).not.toContain('123-45-6789')
    const missing = await project.emr('logs', 'cloud', '--source', 'rds')
    expect(missing).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('/aws/rds/instance/emr-platform-cloud'),
    })
  })
})

/** The rows of the AWS panel. */
function panelOf(text: string): string[] {
  const panel = text.split('\n\n').find((part) => part.startsWith('NAME ')) ?? ''
  const lines = panel.replaceAll(/ +/g, ' ').split('\n')
  return lines.slice(1).flatMap((line) => line.trim() || [])
}

/** What Terraform and the services would leave in the account. */
async function furnish({ endpoint, env }: Emulator): Promise<void> {
  const credentials = {
    accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
  }
  const config = { region: 'us-east-1', endpoint, credentials }
  const id = 'emr-platform-cloud'
  const database = {
    DBInstanceIdentifier: id,
    DBInstanceClass: 'db.t3.micro',
    Engine: 'postgres',
    AllocatedStorage: 20,
  }
  await new RDSClient(config).send(
    new CreateDBInstanceCommand({ ...database, MasterUsername: 'emr', MasterUserPassword: 'of-a-test' }),
  )
  const watched = {
    Namespace: 'AWS/RDS',
    MetricName: 'CPUUtilization',
    Dimensions: [{ Name: 'DBInstanceIdentifier', Value: id }],
  }
  const cloudWatch = new CloudWatchClient(config)
  const limit = { Threshold: 90, ComparisonOperator: 'GreaterThanThreshold' as const }
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      ...watched,
      ...limit,
      AlarmName: `${id}-rds-cpu`,
      Statistic: 'Average',
      Period: 60,
      EvaluationPeriods: 5,
    }),
  )
  const MetricData = [10, 20, 30, 99].map((Value, index) => ({
    MetricName: watched.MetricName,
    Dimensions: watched.Dimensions,
    Value,
    Timestamp: new Date(minute + (index - 3) * MINUTE_MS),
  }))
  await cloudWatch.send(new PutMetricDataCommand({ Namespace: watched.Namespace, MetricData }))
  await createCluster(endpoint, id, { subnetIds: [], vpcId: 'vpc-own' })
  const logs = new CloudWatchLogsClient(config)
  await furnishLogs(logs, `/aws/containerinsights/${id}/application`)
  for (const vpc of ['own', 'other'])
    await furnishLogs(logs, `/aws/vpc/vpc-${vpc}/flow-logs`, `ACCEPT ${vpc}`)
}

async function furnishLogs(
  client: CloudWatchLogsClient,
  logGroupName: string,
  message = '{"msg":"saved patient","ssn":"123-45-6789"}',
): Promise<void> {
  const logStreamName = 'task-service'
  await client.send(new CreateLogGroupCommand({ logGroupName }))
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }))
  const logEvents = [{ timestamp: Date.now() - 5_000, message }]
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }))
}
