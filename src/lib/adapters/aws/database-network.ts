import type {
  EC2Client,
  Instance,
  IpPermission,
  NetworkAclEntry,
  Route,
  SecurityGroup,
} from '@aws-sdk/client-ec2'
import type { DatabaseNetwork, GroupRule } from '../../domain/diagnosis/database-network.ts'
import type { AclEntry } from '../../domain/diagnosis/network-acl.ts'
import type { AwsAccount } from '../../domain/environment.ts'
import { withClient } from './client.ts'
import type { InstancePlace } from './rds.ts'

type Pods = DatabaseNetwork['pods']

/**
 * What lies between the pods of an EKS cluster and databases: EKS DescribeCluster, and of EC2 DescribeInstances,
 * DescribeSubnets, DescribeSecurityGroups, DescribeNetworkAcls, GetManagedPrefixListEntries and, for another VPC,
 * DescribeRouteTables.
 * @throws {EmrError} when AWS refuses one of them (exit 4)
 */
export async function databaseNetwork(
  account: AwsAccount,
  cluster: string,
  places: InstancePlace[],
  abortSignal: AbortSignal,
): Promise<DatabaseNetwork> {
  const [{ EC2Client }, { DescribeClusterCommand, EKSClient }] = await Promise.all([
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-eks'),
  ])
  const doing = 'read the network between the cluster and the database'
  const { cluster: found } = await withClient(EKSClient, account, doing, (eks) =>
    eks.send(new DescribeClusterCommand({ name: cluster }), { abortSignal }),
  )
  return withClient(EC2Client, account, doing, async (client) => {
    const network = new NetworkReader(client, abortSignal)
    const { vpcId: vpc = '', clusterSecurityGroupId, subnetIds = [] } = found?.resourcesVpcConfig ?? {}
    const groups = clusterSecurityGroupId ? [clusterSecurityGroupId] : []
    const own = (await network.nodes(cluster)) ?? subnetIds.map((subnet) => ({ subnet, groups }))
    const elsewhere = places.some((place) => place.vpc !== vpc)
    const pods: Pods = {
      vpc,
      nodes: await Promise.all(
        own.map(async ({ subnet, groups }) => ({
          groups,
          subnet: (await network.subnets([subnet]))[0] ?? { id: subnet, blocks: [] },
          egress: await network.rules(groups, 'IpPermissionsEgress'),
        })),
      ),
      tables: elsewhere ? await network.tables(vpc) : [],
    }
    const databases = await Promise.all(
      places.map(async (place) => ({
        ...place,
        subnets: await network.subnets(place.subnets),
        ingress: await network.rules(place.groups, 'IpPermissions'),
      })),
    )
    const sides = [...own.map(({ subnet }) => subnet), ...places.flatMap(({ subnets }) => subnets)]
    return { pods, databases, acls: await network.acls([...new Set(sides)]) }
  })
}

class NetworkReader {
  readonly #client: EC2Client
  readonly #options: { abortSignal: AbortSignal }

  constructor(client: EC2Client, abortSignal: AbortSignal) {
    this.#client = client
    this.#options = { abortSignal }
  }

  /**
   * Which groups and subnets the interfaces of nodes have, which their pods share: a launch template may give nodes
   * other groups than the one that EKS makes. Undefined where the cluster has no nodes of EC2.
   */
  async nodes(cluster: string): Promise<{ subnet: string; groups: string[] }[] | undefined> {
    const { paginateDescribeInstances } = await import('@aws-sdk/client-ec2')
    const instances: Instance[] = []
    const Filters = [
      { Name: 'tag-key', Values: [`kubernetes.io/cluster/${cluster}`] },
      { Name: 'instance-state-name', Values: ['pending', 'running'] },
    ]
    const pages = paginateDescribeInstances({ client: this.#client }, { Filters }, this.#options)
    for await (const { Reservations = [] } of pages) {
      instances.push(...Reservations.flatMap(({ Instances = [] }) => Instances))
    }
    const interfaces = instances.flatMap(({ NetworkInterfaces = [] }) => NetworkInterfaces)
    if (interfaces.length === 0) return undefined
    const places = interfaces.map(({ Groups = [], SubnetId: subnet = '' }) => {
      return { subnet, groups: Groups.flatMap(({ GroupId }) => GroupId ?? []).sort() }
    })
    return [...new Map(places.map((place) => [JSON.stringify(place), place])).values()]
  }

  async subnets(SubnetIds: string[]): Promise<Pods['nodes'][number]['subnet'][]> {
    if (SubnetIds.length === 0) return []
    const { DescribeSubnetsCommand } = await import('@aws-sdk/client-ec2')
    const { Subnets = [] } = await this.#client.send(new DescribeSubnetsCommand({ SubnetIds }), this.#options)
    return Subnets.map(({ SubnetId: id = '', CidrBlock, Ipv6CidrBlockAssociationSet: six = [] }) => ({
      id,
      blocks: [CidrBlock, ...six.map(({ Ipv6CidrBlock }) => Ipv6CidrBlock)].flatMap((block) => block ?? []),
    }))
  }

  async rules(
    GroupIds: string[],
    way: keyof SecurityGroup & ('IpPermissions' | 'IpPermissionsEgress'),
  ): Promise<GroupRule[]> {
    if (GroupIds.length === 0) return []
    const { DescribeSecurityGroupsCommand } = await import('@aws-sdk/client-ec2')
    const { SecurityGroups = [] } = await this.#client.send(
      new DescribeSecurityGroupsCommand({ GroupIds }),
      this.#options,
    )
    const permissions = SecurityGroups.flatMap((group) => group[way] ?? [])
    return Promise.all(permissions.map((permission) => this.#rule(permission)))
  }

  async #rule(permission: IpPermission): Promise<GroupRule> {
    const { IpProtocol: protocol = '-1', FromPort: from, ToPort: to } = permission
    const { IpRanges = [], Ipv6Ranges = [], PrefixListIds = [], UserIdGroupPairs = [] } = permission
    const lists = PrefixListIds.flatMap(({ PrefixListId }) => PrefixListId ?? [])
    const own = [...IpRanges.map(({ CidrIp }) => CidrIp), ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6)]
    return {
      protocol,
      ...(from !== undefined && to !== undefined && { ports: { from, to } }),
      groups: UserIdGroupPairs.flatMap(({ GroupId }) => GroupId ?? []),
      blocks: [own.flatMap((block) => block ?? []), ...(await this.#blocksOf(lists))].flat(),
    }
  }

  async acls(subnets: string[]): Promise<DatabaseNetwork['acls']> {
    const { paginateDescribeNetworkAcls } = await import('@aws-sdk/client-ec2')
    const query = { Filters: [{ Name: 'association.subnet-id', Values: subnets }] }
    const acls: DatabaseNetwork['acls'] = []
    const pages = paginateDescribeNetworkAcls({ client: this.#client }, query, this.#options)
    for await (const { NetworkAcls = [] } of pages) {
      for (const { NetworkAclId: id = '', Associations = [], Entries = [] } of NetworkAcls) {
        acls.push({
          id,
          subnets: Associations.flatMap(({ SubnetId }) => SubnetId ?? []),
          ingress: Entries.filter(({ Egress }) => !Egress).map(aclEntry),
          egress: Entries.filter(({ Egress }) => Egress).map(aclEntry),
        })
      }
    }
    return acls
  }

  async tables(vpc: string): Promise<Pods['tables']> {
    const { paginateDescribeRouteTables } = await import('@aws-sdk/client-ec2')
    const query = { Filters: [{ Name: 'vpc-id', Values: [vpc] }] }
    const tables: Pods['tables'] = []
    const pages = paginateDescribeRouteTables({ client: this.#client }, query, this.#options)
    for await (const { RouteTables = [] } of pages) {
      for (const { Associations = [], Routes = [] } of RouteTables) {
        const usable = Routes.filter(({ State }) => State !== 'blackhole')
        tables.push({
          main: Associations.some(({ Main }) => Main),
          subnets: Associations.flatMap(({ SubnetId }) => SubnetId ?? []),
          routes: await Promise.all(usable.map((route) => this.#route(route))),
        })
      }
    }
    return tables
  }

  async #route(route: Route): Promise<Pods['tables'][number]['routes'][number]> {
    const { DestinationCidrBlock: four, DestinationIpv6CidrBlock: six, DestinationPrefixListId: list } = route
    const { VpcPeeringConnectionId, TransitGatewayId, NatGatewayId, EgressOnlyInternetGatewayId } = route
    const via =
      VpcPeeringConnectionId ??
      TransitGatewayId ??
      NatGatewayId ??
      EgressOnlyInternetGatewayId ??
      route.GatewayId ??
      route.NetworkInterfaceId ??
      route.CoreNetworkArn ??
      'local'
    const blocks = four ?? six
    return { blocks: blocks ? [blocks] : (await this.#blocksOf(list ? [list] : [])).flat(), via }
  }

  #blocksOf(prefixLists: string[]): Promise<string[][]> {
    return Promise.all(
      prefixLists.map(async (PrefixListId) => {
        const { paginateGetManagedPrefixListEntries } = await import('@aws-sdk/client-ec2')
        const blocks: string[] = []
        const pages = paginateGetManagedPrefixListEntries(
          { client: this.#client },
          { PrefixListId },
          this.#options,
        )
        for await (const { Entries = [] } of pages) blocks.push(...Entries.flatMap(({ Cidr }) => Cidr ?? []))
        return blocks
      }),
    )
  }
}

function aclEntry(entry: NetworkAclEntry): AclEntry {
  const { RuleNumber: number = 0, RuleAction, Protocol: protocol = '-1', PortRange } = entry
  const { From: from, To: to } = PortRange ?? {}
  return {
    number,
    allow: RuleAction === 'allow',
    protocol,
    ...(from !== undefined && to !== undefined && { ports: { from, to } }),
    block: entry.CidrBlock ?? entry.Ipv6CidrBlock ?? '',
  }
}
