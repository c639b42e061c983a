import type { Finding } from './catalogue.ts'
import { covers, overlap } from './cidr.ts'
import { denyingAcl, type NetworkAcl } from './network-acl.ts'

interface Subnet {
  id: string
  /** Its addresses in CIDR notation. */
  blocks: string[]
}

/** With whom a security group allows connections, on which ports. */
export interface GroupRule {
  /** `tcp`, `udp` and others; `-1` for all. */
  protocol: string
  /** Undefined: all. */
  ports?: { from: number; to: number }
  groups: string[]
  /** Of the rule itself and of its prefix lists, in CIDR notation. */
  blocks: string[]
}

export interface RouteTable {
  /** Of the subnets that no other table names. */
  main: boolean
  subnets: string[]
  /** Those that can be used; `via` is the identifier of the gateway, for example `pcx-1` or `tgw-1`. */
  routes: { blocks: string[]; via: string }[]
}

/** Where a database listens, and whom it lets in. */
export interface DatabasePlace {
  id: string
  port: number
  vpc: string
  /** Whether its name leads to a public address from outside its VPC. */
  public: boolean
  subnets: Subnet[]
  groups: string[]
  ingress: GroupRule[]
}

/** Nodes that differ in nothing here; their pods share their groups and their subnet. */
interface NodePlace {
  subnet: Subnet
  groups: string[]
  egress: GroupRule[]
}

/** Where the pods come from, the databases that they are to reach, and what filters between their subnets. */
export interface DatabaseNetwork {
  pods: { vpc: string; nodes: NodePlace[]; tables: RouteTable[] }
  databases: DatabasePlace[]
  acls: NetworkAcl[]
}

/** What lies between the pods and their databases, as far as EC2 knows it. */
export function databaseNetworkFindings(network: DatabaseNetwork | undefined): Finding[] {
  if (network === undefined) return []
  const { pods, databases, acls } = network
  // From another VPC, a public one is reached over the internet, as whatever address the way out gives the pods.
  const reached = databases.filter((database) => database.vpc === pods.vpc || !database.public)
  return reached.flatMap((database) => [
    ...unrouted(database, pods),
    ...blocked(database, pods.nodes),
    ...confined(database, pods.nodes),
    ...denied(database, pods.nodes, acls),
  ])
}

function finding(id: string, reason: string, field: string, message: string, advice: string): Finding {
  const object = { kind: 'DBInstance', name: id, uid: id }
  return { code: 'DATABASE_BLOCKED', object, reason, field, message, advice }
}

const TERRAFORM = 'was one of Terraform removed? `emr deploy ENV --dry-run` shows it'

/** A rule that names a group of the nodes is enough; else their subnet must be among the rules' addresses. */
function blocked({ id, port, groups, ingress }: DatabasePlace, nodes: NodePlace[]): Finding[] {
  const rules = ingress.filter((rule) => admits(rule, port))
  const named = rules.flatMap((rule) => rule.groups)
  const blocks = rules.flatMap((rule) => rule.blocks)
  const outside = nodes.filter((node) => {
    return !shares(node.groups, named) && !node.subnet.blocks.some((each) => within(each, blocks))
  })
  if (outside.length === 0) return []
  const own = unique(outside.flatMap((node) => node.groups))
  const from = [...own, ...unique(outside.map(({ subnet }) => subnet.id))].join(', ')
  const message = `no rule of ${groups.join(', ')} lets ${from} in on port ${port}`
  const advice = `let ${own[0]} in with a rule of ${groups[0]}; ${TERRAFORM}`
  return [finding(id, 'NoIngressRule', 'IpPermissions', message, advice)]
}

/** A rule for a part of the database's subnets may be for its address: it counts. */
function confined({ id, port, groups, subnets }: DatabasePlace, nodes: NodePlace[]): Finding[] {
  const theirs = subnets.flatMap(({ blocks }) => blocks)
  const inside = nodes.filter(({ egress }) => {
    const rules = egress.filter((rule) => admits(rule, port))
    const blocks = rules.flatMap((rule) => rule.blocks)
    const leads = blocks.some((block) => theirs.some((each) => overlap(block, each)))
    return !leads && !rules.some((rule) => shares(rule.groups, groups))
  })
  if (inside.length === 0) return []
  const own = unique(inside.flatMap((node) => node.groups))
  const message = `no rule of ${own.join(', ')} lets pods out to ${groups.join(', ')} on port ${port}`
  const advice = `let ${own[0]} out to ${groups[0]}; ${TERRAFORM}`
  return [finding(id, 'NoEgressRule', 'IpPermissionsEgress', message, advice)]
}

/** The database may be in any of its subnets: one that can be reached is enough. */
function denied({ id, port, subnets }: DatabasePlace, nodes: NodePlace[], acls: NetworkAcl[]): Finding[] {
  for (const { subnet } of nodes) {
    const denying = subnets.map((theirs) => denyingAcl(acls, subnet, theirs, port))
    const [acl] = denying
    if (acl === undefined || denying.includes(undefined)) continue
    const message = `${acl} denies connections from ${subnet.id} to port ${port} in ${subnets.map((each) => each.id).join(', ')}, or their answers`
    const advice = `allow them in ${acl}, and their answers, which come back to ports 32768 to 60999: aws ec2 describe-network-acls --network-acl-ids ${acl}`
    return [finding(id, 'DeniedByNetworkAcl', 'NetworkAcls', message, advice)]
  }
  return []
}

function shares(some: string[], others: string[]): boolean {
  return some.some((each) => others.includes(each))
}

function unique(texts: string[]): string[] {
  return [...new Set(texts)]
}

function admits({ protocol, ports }: GroupRule, port: number): boolean {
  if (protocol === '-1') return true
  return protocol === 'tcp' && (ports === undefined || (ports.from <= port && port <= ports.to))
}

function within(block: string, blocks: string[]): boolean {
  return blocks.some((each) => covers(each, block))
}

/** Within one VPC everything is routed. */
function unrouted({ id, vpc, subnets }: DatabasePlace, pods: DatabaseNetwork['pods']): Finding[] {
  if (vpc === pods.vpc) return []
  const theirs = subnets.flatMap(({ blocks }) => blocks)
  const leads = ({ blocks, via }: RouteTable['routes'][number]) =>
    !BETWEEN_NO_VPCS.test(via) && blocks.some((block) => theirs.some((each) => overlap(block, each)))
  const own = unique(pods.nodes.map(({ subnet }) => subnet.id))
  const without = own.filter((subnet) => !tableOf(subnet, pods.tables)?.routes.some(leads))
  if (without.length === 0) return []
  return [
    {
      code: 'DATABASE_UNROUTED',
      object: { kind: 'DBInstance', name: id, uid: id },
      reason: 'NoRoute',
      message: `it is in ${vpc}, and the routes of ${without.join(', ')} in ${pods.vpc} do not lead there`,
      field: 'Routes',
      advice: `connect ${pods.vpc} and ${vpc} (peering or transit gateway), with a route in both directions: aws ec2 describe-route-tables --filters Name=vpc-id,Values=${pods.vpc},${vpc}`,
    },
  ]
}

/** The VPC itself, and the ways to the internet: private addresses do not pass them. */
const BETWEEN_NO_VPCS = /^(local$|igw-|nat-|eigw-)/

function tableOf(subnet: string, tables: RouteTable[]): RouteTable | undefined {
  return tables.find(({ subnets }) => subnets.includes(subnet)) ?? tables.find(({ main }) => main)
}
