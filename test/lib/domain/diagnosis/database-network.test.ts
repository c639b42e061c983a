import { describe, expect, test } from 'vitest'
import {
  type DatabasePlace,
  databaseNetworkFindings,
  type RouteTable,
} from '../../../../src/lib/domain/diagnosis/database-network.ts'
import type { AclEntry } from '../../../../src/lib/domain/diagnosis/network-acl.ts'
import { databaseNetwork, rule } from './facts.ts'

const codes = (...network: Parameters<typeof databaseNetwork>) =>
  databaseNetworkFindings(databaseNetwork(...network)).map(({ code }) => code)

describe('security groups of the database', () => {
  test.each([
    ['a rule for all ports', [rule({ protocol: '-1', ports: undefined, groups: ['sg-nodes'] })]],
    ['a range with the port in it', [rule({ ports: { from: 5000, to: 6000 }, groups: ['sg-cluster'] })]],
    ['the addresses of the VPC', [rule({ blocks: ['10.0.0.0/16'] })]],
    ['one rule for each subnet', [rule({ blocks: ['10.0.16.0/20'] }), rule({ blocks: ['10.0.32.0/20'] })]],
  ])('let the pods in: %s', (_, ingress) => {
    expect(codes({ ingress })).toEqual([])
  })
  test.each([
    ['no rule at all', []],
    ['another port', [rule({ ports: { from: 6379, to: 6379 }, groups: ['sg-nodes'] })]],
    ['another protocol', [rule({ protocol: 'udp', groups: ['sg-nodes'] })]],
    ['another group', [rule({ groups: ['sg-office'] })]],
    ['other addresses', [rule({ blocks: ['10.9.0.0/16'] })]],
    ['all addresses of the other family', [rule({ blocks: ['::/0'] })]],
  ])('keep the pods out: %s', (_, ingress) => {
    expect(codes({ ingress })).toEqual(['DATABASE_BLOCKED'])
  })
  test('that leave one subnet out are named with it', () => {
    const [found] = databaseNetworkFindings(
      databaseNetwork({ ingress: [rule({ blocks: ['10.0.16.0/20'] })] }),
    )
    expect(found?.message).toBe('no rule of sg-db lets sg-cluster, sg-nodes, subnet-b in on port 5432')
  })
})

describe('routes to a database in another VPC', () => {
  const elsewhere: Partial<DatabasePlace> = { vpc: 'vpc-2' }
  const table = (via: string, block: string, more: Partial<RouteTable> = {}): RouteTable => ({
    main: true,
    subnets: [],
    routes: [{ blocks: [block], via }],
    ...more,
  })
  test.each([
    ['peering', [table('pcx-1', '10.1.0.0/16')]],
    ['a transit gateway for everything', [table('tgw-1', '0.0.0.0/0')]],
    [
      'a table for each subnet',
      [
        table('pcx-1', '10.1.0.0/16', { main: false, subnets: ['subnet-a'] }),
        table('tgw-1', '10.1.0.0/16', { main: false, subnets: ['subnet-b'] }),
      ],
    ],
  ])('%s', (_, tables) => {
    expect(codes(elsewhere, { tables })).toEqual([])
  })
  test.each([
    ['the internet does not lead to private addresses', [table('nat-1', '0.0.0.0/0')]],
    ['its own VPC alone', [table('local', '10.0.0.0/16')]],
    ['peering with a third VPC', [table('pcx-1', '10.7.0.0/16')]],
    [
      'one of two subnets has none',
      [table('pcx-1', '10.1.0.0/16'), table('nat-1', '0.0.0.0/0', { main: false, subnets: ['subnet-b'] })],
    ],
  ])('%s', (_, tables) => {
    expect(codes(elsewhere, { tables })).toEqual(['DATABASE_UNROUTED'])
  })
  test('a public database is not judged by them', () => {
    expect(codes({ ...elsewhere, public: true, ingress: [] })).toEqual([])
  })
})

test('a group of nodes that the database does not let in is the finding, though another one is', () => {
  const network = databaseNetwork({ ingress: [rule({ groups: ['sg-nodes'] })] })
  const [first] = network.pods.nodes
  if (first) first.groups = ['sg-cluster', 'sg-other']
  expect(databaseNetworkFindings(network)).toMatchObject([
    {
      reason: 'NoIngressRule',
      message: 'no rule of sg-db lets sg-cluster, sg-other, subnet-a in on port 5432',
    },
  ])
})

describe('what the nodes are let out to', () => {
  test.each([
    ['the group of the database', [rule({ groups: ['sg-db'] })], []],
    ['one address in its subnet', [rule({ blocks: ['10.1.0.7/32'] })], []],
    ['another port', [rule({ ports: { from: 443, to: 443 }, blocks: ['0.0.0.0/0'] })], ['NoEgressRule']],
    ['other addresses', [rule({ blocks: ['10.9.0.0/16'] })], ['NoEgressRule']],
  ])('%s', (_, egress, reasons) => {
    expect(databaseNetworkFindings(databaseNetwork({}, { egress })).map(({ reason }) => reason)).toEqual(
      reasons,
    )
  })
})

describe('network ACLs', () => {
  const all: AclEntry = { number: 100, allow: true, protocol: '-1', block: '0.0.0.0/0' }
  const last: AclEntry = { number: 32_767, allow: false, protocol: '-1', block: '0.0.0.0/0' }
  const port = { from: 5432, to: 5432 }
  const deny = (facts: Partial<AclEntry>): AclEntry => ({
    number: 50,
    allow: false,
    protocol: '6',
    block: '0.0.0.0/0',
    ...facts,
  })
  const found = (ingress: AclEntry[], egress = [all, last]) => {
    const acl = { id: 'acl-db', subnets: ['subnet-db'], ingress, egress }
    return databaseNetworkFindings(databaseNetwork({}, { acls: [acl] })).map(({ reason }) => reason)
  }
  test.each([
    ['everything', [all, last]],
    ['the port, and denies the rest', [{ ...all, protocol: '6', ports: port }, last]],
    ['what a later entry denies', [last, all, deny({ number: 200, ports: port })]],
    ['all but a part of the subnets', [deny({ block: '10.0.16.0/24' }), all, last]],
    ['all but UDP', [deny({ protocol: '17' }), all, last]],
  ])('allow %s', (_, entries) => {
    expect(found(entries)).toEqual([])
  })
  test.each([
    ['the port', [deny({ ports: port }), all, last]],
    ['what no entry allows', [last]],
    ['one subnet of the nodes', [deny({ block: '10.0.16.0/20' }), all, last]],
  ])('deny %s', (_, entries) => {
    expect(found(entries)).toEqual(['DeniedByNetworkAcl'])
  })
  test('deny the answers', () => {
    expect(found([all, last], [{ ...all, protocol: '6', ports: port }, last])).toEqual(['DeniedByNetworkAcl'])
  })
})
