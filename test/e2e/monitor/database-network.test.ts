import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateManagedPrefixListCommand,
  CreateNetworkAclEntryCommand,
  CreateRouteCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpcPeeringConnectionCommand,
  DeleteNetworkAclEntryCommand,
  DeleteRouteCommand,
  DescribeNetworkAclsCommand,
  DescribeRouteTablesCommand,
  EC2Client,
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { CreateDBInstanceCommand, CreateDBSubnetGroupCommand, RDSClient } from '@aws-sdk/client-rds'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { readAws } from '../../../src/lib/cli/diagnose-aws.ts'
import type { Environment } from '../../../src/lib/domain/environment.ts'
import { type Diagnosis, diagnoseEnvironment } from '../../../src/lib/workflows/diagnose.ts'
import { thresholds } from '../../lib/domain/rollout/facts.ts'
import { createCluster, type Emulator, MOTO_ACCOUNT, motoLack, startEmulator } from '../../support/moto.ts'
import { type Network, networkCases } from './database-network-cases.ts'

const PORT = 5432

describe.skipIf(motoLack() !== undefined)('emr diagnose between the pods and the database', () => {
  let emulator: Emulator
  let denying: Server
  let ec2: EC2Client
  let ids: Ids
  beforeAll(async () => {
    emulator = await startEmulator()
    denying = await startDenying(emulator.endpoint, 'DescribeSecurityGroups')
    for (const [name, value] of Object.entries(emulator.env)) vi.stubEnv(name, value)
    ec2 = new EC2Client({ region: 'us-east-1', endpoint: emulator.endpoint })
    ids = await furnish(emulator.endpoint, ec2)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    ec2?.destroy()
    denying?.closeAllConnections()
    denying?.close()
    await emulator?.stop()
  })
  const undo: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  test('a closed group is the finding, with what to do', async () => {
    const { health, findings, notEvaluated } = await diagnose(emulator.endpoint)
    expect({ health, notEvaluated }).toEqual({ health: 'unhealthy', notEvaluated: [] })
    expect(findings).toMatchObject([
      {
        code: 'DATABASE_BLOCKED',
        object: { name: 'emr-platform-near' },
        message: `no rule of ${ids.guard} lets ${ids.nodes}, ${ids.subnet} in on port ${PORT}`,
        advice: expect.stringContaining(`let ${ids.nodes} in with a rule of ${ids.guard}`),
      },
    ])
  })

  describe.each(Object.entries(networkCases))('%s', (code, { fires, near }) => {
    const read = async ({ far, make }: (typeof fires)[number]) => {
      await make(networkOf(ec2, ids, undo))
      return diagnose(emulator.endpoint, far && 'emr-platform-far')
    }
    test.each(fires)('is found: $when', async (each) => {
      const { reason } = each
      expect((await read(each)).findings).toMatchObject([{ code, ...(reason && { reason }) }])
    })
    test.each(near)('is not: $when', async (each) => {
      expect(await read(each)).toMatchObject({ health: 'healthy', findings: [], notEvaluated: [] })
    })
  })

  test('what the identity may not read is not evaluated, and not healthy', async () => {
    const diagnosis = await diagnose(`http://127.0.0.1:${(denying.address() as AddressInfo).port}`)
    expect(diagnosis).toMatchObject({
      health: 'unknown',
      findings: [],
      notEvaluated: [
        { what: 'network of the database', why: expect.stringMatching(/^The AWS identity may not read/) },
      ],
    })
  })
})

/** The part of the diagnosis that AWS answers, of an environment on EKS. */
function diagnose(endpoint: string, instance = 'emr-platform-near'): Promise<Diagnosis> {
  const environment: Pick<Environment, 'name' | 'aws' | 'cluster' | 'database'> = {
    name: 'net',
    aws: { accountId: MOTO_ACCOUNT, region: 'us-east-1', endpoint },
    cluster: { kind: 'eks', name: 'net' },
    database: { instance, tls: { mode: 'verify-full' } },
  }
  const signal = AbortSignal.timeout(60_000)
  return diagnoseEnvironment({
    environment: { ...environment, services: [], rollout: thresholds } as unknown as Environment,
    kubectl: 'kubectl',
    read: () => readAws(environment, signal),
    workloads: { logLines: async () => [] },
    signal,
    now: Date.now,
  })
}

/** @param undo gets what takes each step back */
function networkOf(ec2: EC2Client, ids: Ids, undo: (() => Promise<unknown>)[]): Network {
  const rule = (source: Partial<IpPermission>): IpPermission => {
    return { IpProtocol: 'tcp', FromPort: PORT, ToPort: PORT, ...source }
  }
  return {
    ids,
    admit: async (source) => {
      const input = { GroupId: ids.guard, IpPermissions: [rule(source)] }
      await ec2.send(new AuthorizeSecurityGroupIngressCommand(input))
      undo.push(() => ec2.send(new RevokeSecurityGroupIngressCommand(input)))
    },
    confine: async (targets) => {
      const everywhere = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }
      const before = { GroupId: ids.nodes, IpPermissions: [everywhere] }
      const after = { GroupId: ids.nodes, IpPermissions: targets.map(rule) }
      await ec2.send(new RevokeSecurityGroupEgressCommand(before))
      undo.push(() => ec2.send(new AuthorizeSecurityGroupEgressCommand(before)))
      await ec2.send(new AuthorizeSecurityGroupEgressCommand(after))
      undo.push(() => ec2.send(new RevokeSecurityGroupEgressCommand(after)))
    },
    filter: async ({ egress: Egress, allow = false, from: From, to: To }) => {
      // The later one comes first.
      const entry = { NetworkAclId: ids.acl, Egress, RuleNumber: 50 - undo.length }
      await ec2.send(
        new CreateNetworkAclEntryCommand({
          ...entry,
          RuleAction: allow ? 'allow' : 'deny',
          Protocol: '6',
          CidrBlock: '0.0.0.0/0',
          PortRange: { From, To },
        }),
      )
      undo.push(() => ec2.send(new DeleteNetworkAclEntryCommand(entry)))
    },
    peer: async () => {
      const { VpcPeeringConnection } = await ec2.send(
        new CreateVpcPeeringConnectionCommand({ VpcId: ids.vpc, PeerVpcId: ids.farVpc }),
      )
      const { VpcPeeringConnectionId } = VpcPeeringConnection ?? {}
      const Filters = [{ Name: 'vpc-id', Values: [ids.vpc] }]
      const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({ Filters }))
      const where = { RouteTableId: RouteTables[0]?.RouteTableId, DestinationCidrBlock: '10.1.0.0/16' }
      await ec2.send(new CreateRouteCommand({ ...where, VpcPeeringConnectionId }))
      undo.push(() => ec2.send(new DeleteRouteCommand(where)))
    },
  }
}

type Ids = Awaited<ReturnType<typeof furnish>>

/** A cluster with one node, a database in its VPC and one in another; both databases have the same kind of guard. */
async function furnish(endpoint: string, ec2: EC2Client) {
  const rds = new RDSClient({ region: 'us-east-1', endpoint })
  const vpcOf = async (CidrBlock: string) =>
    (await ec2.send(new CreateVpcCommand({ CidrBlock }))).Vpc?.VpcId ?? ''
  const subnetOf = async (VpcId: string, CidrBlock: string) =>
    (await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock }))).Subnet?.SubnetId ?? ''
  const groupOf = async (VpcId: string, GroupName: string) =>
    (await ec2.send(new CreateSecurityGroupCommand({ VpcId, GroupName, Description: GroupName }))).GroupId ??
    ''
  const databaseOf = async (id: string, subnet: string, guard: string) => {
    const DBSubnetGroupName = id
    const group = { DBSubnetGroupName, DBSubnetGroupDescription: id, SubnetIds: [subnet] }
    await rds.send(new CreateDBSubnetGroupCommand(group))
    await rds.send(
      new CreateDBInstanceCommand({
        ...{ DBInstanceIdentifier: id, DBInstanceClass: 'db.t3.micro', Engine: 'postgres', Port: PORT },
        ...{ AllocatedStorage: 20, MasterUsername: 'emr', MasterUserPassword: 'of-a-test' },
        ...{ DBSubnetGroupName, VpcSecurityGroupIds: [guard], PubliclyAccessible: false },
      }),
    )
  }
  const [vpc, farVpc] = [await vpcOf('10.0.0.0/16'), await vpcOf('10.1.0.0/16')]
  const subnet = await subnetOf(vpc, '10.0.16.0/20')
  const [nodes, cluster] = [await groupOf(vpc, 'nodes'), await groupOf(vpc, 'cluster')]
  const guard = await groupOf(vpc, 'rds')
  await databaseOf('emr-platform-near', await subnetOf(vpc, '10.0.128.0/24'), guard)
  await databaseOf('emr-platform-far', await subnetOf(farVpc, '10.1.0.0/24'), guard)
  await createCluster(endpoint, 'net', { subnetIds: [subnet], vpcId: vpc, clusterSecurityGroupId: cluster })
  await ec2.send(
    new RunInstancesCommand({
      ...{ ImageId: 'ami-12c6146b', InstanceType: 'm6i.large', MinCount: 1, MaxCount: 1 },
      ...{ SubnetId: subnet, SecurityGroupIds: [nodes] },
      TagSpecifications: [
        { ResourceType: 'instance', Tags: [{ Key: 'kubernetes.io/cluster/net', Value: 'owned' }] },
      ],
    }),
  )
  const { PrefixList } = await ec2.send(
    new CreateManagedPrefixListCommand({
      ...{ PrefixListName: 'private', MaxEntries: 2, AddressFamily: 'IPv4' },
      Entries: [{ Cidr: '10.0.16.0/20' }],
    }),
  )
  rds.destroy()
  const Filters = [{ Name: 'vpc-id', Values: [vpc] }]
  const { NetworkAcls = [] } = await ec2.send(new DescribeNetworkAclsCommand({ Filters }))
  const acl = NetworkAcls[0]?.NetworkAclId ?? ''
  return { acl, vpc, farVpc, subnet, nodes, cluster, guard, prefixes: PrefixList?.PrefixListId ?? '' }
}

/** The emulator for an identity that may not make one call of EC2. */
async function startDenying(endpoint: string, action: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    if (body.includes(`Action=${action}&`)) {
      const error = '<Code>UnauthorizedOperation</Code><Message>You are not authorized</Message>'
      response.writeHead(403, { 'content-type': 'text/xml' })
      response.end(`<Response><Errors><Error>${error}</Error></Errors></Response>`)
      return
    }
    const { host: _, 'content-length': __, connection: ___, ...headers } = request.headers
    const passed = await fetch(endpoint + request.url, {
      method: request.method,
      headers: headers as Record<string, string>,
      ...(body.length > 0 && { body }),
    })
    const type = passed.headers.get('content-type') ?? 'text/xml'
    response.writeHead(passed.status, { 'content-type': type }).end(await passed.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
