import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readLogGroup } from '../../../src/lib/cli/log-groups.ts'
import type { Session } from '../../../src/lib/cli/session.ts'
import type { LogsRequest } from '../../../src/lib/workflows/logs.ts'
import { createCluster, type Emulator, MOTO_ACCOUNT, motoLack, startEmulator } from '../../support/moto.ts'

const GROUPS: Record<string, string> = {
  '/aws/eks/emr-production/cluster': 'kube-apiserver: audit of 123-45-6789',
  '/aws/eks/emr-staging/cluster': 'of another cluster',
  '/aws/vpc/vpc-1/flow-logs': '2 222222222222 eni-1 10.0.16.5 10.0.2.5 40000 5432 6 1 60 0 60 REJECT OK',
  '/aws/vpc/vpc-1/dns': 'of the resolver',
  '/aws/vpc/vpc-2/flow-logs': 'of the VPC of another cluster',
}

describe.skipIf(motoLack() !== undefined)('emr logs --source', () => {
  let emulator: Emulator
  beforeAll(async () => {
    emulator = await startEmulator()
    for (const [name, value] of Object.entries(emulator.env)) vi.stubEnv(name, value)
    const client = new CloudWatchLogsClient({ region: 'us-east-1', endpoint: emulator.endpoint })
    for (const [logGroupName, message] of Object.entries(GROUPS)) {
      const stream = { logGroupName, logStreamName: 'stream' }
      await client.send(new CreateLogGroupCommand({ logGroupName }))
      await client.send(new CreateLogStreamCommand(stream))
      const logEvents = [
        { timestamp: Date.now() - 3_600_000, message: `an hour ago: ${message}` },
        { timestamp: Date.now() - 60_000, message },
      ]
      await client.send(new PutLogEventsCommand({ ...stream, logEvents }))
    }
    client.destroy()
    await createCluster(emulator.endpoint, 'emr-production', { subnetIds: [], vpcId: 'vpc-1' })
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await emulator?.stop()
  })

  const read = (source: string, request: Partial<LogsRequest> = {}) => {
    const environment = {
      name: 'production',
      cluster: { kind: 'eks', name: 'emr-production' },
      aws: { accountId: MOTO_ACCOUNT, region: 'us-east-1', endpoint: emulator.endpoint },
    }
    const session = { environment, signal: AbortSignal.timeout(30_000) } as unknown as Session
    const all = {
      previous: false,
      container: undefined,
      grep: undefined,
      unmasked: false,
      wholeLines: false,
      sinceMs: undefined,
    }
    return readLogGroup(session, source, { ...all, tail: undefined, ...request })
  }

  test('eks is the control plane of this cluster, masked, of the last quarter of an hour', async () => {
    const entries = await read('eks')
    expect(entries).toMatchObject([
      { type: 'line', pod: '/aws/eks/emr-production/cluster', container: 'stream' },
    ])
    expect(entries[0]?.text).toMatch(/^kube-apiserver: audit of (?!123)/)
    expect(await read('eks', { sinceMs: 7_200_000 })).toHaveLength(2)
  })
  test('vpc-flow is the flow logs of this cluster’s VPC, and nothing else of it', async () => {
    const entries = await read('vpc-flow')
    expect(entries.map(({ pod, text }) => [pod, text])).toEqual([
      ['/aws/vpc/vpc-1/flow-logs', GROUPS['/aws/vpc/vpc-1/flow-logs']],
    ])
    expect(await read('vpc-flow', { grep: /ACCEPT/ })).toEqual([])
  })
})
