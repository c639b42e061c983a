import type { EC2Client, Instance, IpPermission, Route } from '@aws-sdk/client-ec2'
import type { DatabaseNetwork, IngressRule } from '../../domain/diagnosis/database-network.ts'
import type { AwsAccount } from '../../domain/environment.ts'
import { withClient } from './client.ts'
import type { InstancePlace } from './rds.ts'

type Pods = DatabaseNetwork['pods']

/**
 * What lies between the pods of an EKS cluster and databases: EKS DescribeCluster, and of EC2 DescribeInstances,
 * DescribeSubnets, DescribeSecurityGroups, GetManagedPrefixListEntries and, for another VPC, DescribeRouteTables.
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
    const own = { groups: clusterSecurityGroupId ? [clusterSecurityGroupId] : [], subnets: subnetIds }
    const { groups, subnets } = (await network.nodes(cluster)) ?? own
    const elsewhere = places.some((place) => place.vpc !== vpc)
    const pods: Pods = {
      vpc,
      groups,
      subnets: await network.subnets(subnets),
      tables: elsewhere ? await network.tables(vpc) : [],
    }
    const databases = places.map(async (place) => ({
      ...place,
      subnets: await network.subnets(place.subnets),
      ingress: await network.ingress(place.groups),
    }))
    return { pods, databases: await Promise.all(databases) }
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
   * The groups and subnets of the nodes' interfaces, which their pods share: a launch template may give nodes other
   * groups than the one that EKS makes. Undefined where the cluster has no nodes of EC2.
   */
  async nodes(cluster: string): Promise<{ groups: string[]; subnets: string[] } | undefined> {
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
    const groups = interfaces.flatMap(({ Groups = [] }) => Groups.flatMap(({ GroupId }) => GroupId ?? []))
    const subnets = interfaces.flatMap(({ SubnetId }) => SubnetId ?? [])
    return { groups: [...new Set(groups)], subnets: [...new Set(subnets)] }
  }

  async subnets(SubnetIds: string[]): Promise<Pods['subnets']> {
    if (SubnetIds.length === 0) return []
    const { DescribeSubnetsCommand } = await import('@aws-sdk/client-ec2')
    const { Subnets = [] } = await this.#client.send(new DescribeSubnetsCommand({ SubnetIds }), this.#options)
    return Subnets.map(({ SubnetId: id = '', CidrBlock, Ipv6CidrBlockAssociationSet: six = [] }) => ({
      id,
      blocks: [CidrBlock, ...six.map(({ Ipv6CidrBlock }) => Ipv6CidrBlock)].flatMap((block) => block ?? []),
    }))
  }

  async ingress(GroupIds: string[]): Promise<IngressRule[]> {
    if (GroupIds.length === 0) return []
    const { DescribeSecurityGroupsCommand } = await import('@aws-sdk/client-ec2')
    const { SecurityGroups = [] } = await this.#client.send(
      new DescribeSecurityGroupsCommand({ GroupIds }),
      this.#options,
    )
    const permissions = SecurityGroups.flatMap(({ IpPermissions = [] }) => IpPermissions)
    return Promise.all(permissions.map((permission) => this.#rule(permission)))
  }

  async #rule(permission: IpPermission): Promise<IngressRule> {
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
