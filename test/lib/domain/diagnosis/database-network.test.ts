import { describe, expect, test } from 'vitest'
import {
  type DatabasePlace,
  databaseNetworkFindings,
  type RouteTable,
} from '../../../../src/lib/domain/diagnosis/database-network.ts'
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
