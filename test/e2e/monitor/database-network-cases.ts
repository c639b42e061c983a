import type { IpPermission } from '@aws-sdk/client-ec2'

/** What a case does to the network of the emulator; all of it is undone after the case. */
export interface Network {
  ids: { guard: string; nodes: string; subnet: string; prefixes: string }
  /** Lets somebody in through the group of the databases; on their port unless told otherwise. */
  admit: (source: Partial<IpPermission>) => Promise<void>
  /** Lets the nodes out to these alone, in place of everywhere. */
  confine: (targets: Partial<IpPermission>[]) => Promise<void>
  /** An entry of the network ACL of both subnets, before those that allow everything. */
  filter: (entry: { egress: boolean; allow?: boolean; from: number; to: number }) => Promise<void>
  /** Connects the VPC of the far database, with a route to it. */
  peer: () => Promise<void>
}

interface NetworkCase {
  when: string
  /** The database in the other VPC. */
  far?: true
  /** Of the finding. */
  reason?: string
  make: (network: Network) => Promise<void>
}

/** The group of the nodes may come in. */
const open = ({ admit, ids }: Network) => admit({ UserIdGroupPairs: [{ GroupId: ids.nodes }] })
const wholeVpc = { IpRanges: [{ CidrIp: '10.0.0.0/16' }] }

/** Cases of the catalogue that lie in AWS's network, and what only looks like them. */
export const networkCases: Record<string, { fires: NetworkCase[]; near: NetworkCase[] }> = {
  DATABASE_BLOCKED: {
    fires: [
      {
        when: 'the group of the database lets nobody in, or on another port',
        reason: 'NoIngressRule',
        make: ({ admit, ids }) =>
          admit({ FromPort: 6379, ToPort: 6379, UserIdGroupPairs: [{ GroupId: ids.nodes }] }),
      },
      {
        when: 'the group of the nodes lets them out to web servers only',
        reason: 'NoEgressRule',
        make: async (network) => {
          await open(network)
          await network.confine([{ FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }])
        },
      },
      {
        when: 'the network ACL denies the port of the database',
        reason: 'DeniedByNetworkAcl',
        make: async (network) => {
          await open(network)
          await network.filter({ egress: true, from: 5432, to: 5432 })
        },
      },
      {
        when: 'the network ACL denies the answers',
        reason: 'DeniedByNetworkAcl',
        make: async (network) => {
          await open(network)
          await network.filter({ egress: false, from: 1024, to: 65_535 })
          await network.filter({ egress: false, allow: true, from: 5432, to: 5432 })
        },
      },
    ],
    near: [
      { when: 'the group of the nodes may come in', make: open },
      { when: 'the addresses of the VPC may come in', make: ({ admit }) => admit(wholeVpc) },
      {
        when: 'a prefix list with the subnet of the nodes may come in',
        make: ({ admit, ids }) => admit({ PrefixListIds: [{ PrefixListId: ids.prefixes }] }),
      },
      {
        when: 'the nodes may go out to the group of the database alone',
        make: async (network) => {
          await open(network)
          await network.confine([{ UserIdGroupPairs: [{ GroupId: network.ids.guard }] }])
        },
      },
      {
        when: 'the network ACL denies another port',
        make: async (network) => {
          await open(network)
          await network.filter({ egress: true, from: 6379, to: 6379 })
        },
      },
    ],
  },
  DATABASE_UNROUTED: {
    fires: [{ when: 'no route leads to the other VPC', far: true, make: ({ admit }) => admit(wholeVpc) }],
    near: [
      {
        when: 'the VPCs are connected',
        far: true,
        make: async ({ admit, peer }) => {
          await admit(wholeVpc)
          await peer()
        },
      },
    ],
  },
}
