import type { Finding } from './catalogue.ts'
import { covers, overlap } from './cidr.ts'

interface Subnet {
  id: string
  /** Its addresses in CIDR notation. */
  blocks: string[]
}

/** Who may come in, from where, to which ports. */
export interface IngressRule {
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
  ingress: IngressRule[]
}

/** Where the pods come from, and the databases that they are to reach. */
export interface DatabaseNetwork {
  pods: { vpc: string; groups: string[]; subnets: Subnet[]; tables: RouteTable[] }
  databases: DatabasePlace[]
}

/** What lies between the pods and their databases, as far as EC2 knows it. */
export function databaseNetworkFindings(network: DatabaseNetwork | undefined): Finding[] {
  if (network === undefined) return []
  const { pods, databases } = network
  // From another VPC, a public one is reached over the internet, as whatever address the way out gives the pods.
  const reached = databases.filter((database) => database.vpc === pods.vpc || !database.public)
  return reached.flatMap((database) => [...unrouted(database, pods), ...blocked(database, pods)])
}

/** A rule that names a group of the pods is enough; else the subnet of each pod must be among the rules' addresses. */
function blocked(database: DatabasePlace, pods: DatabaseNetwork['pods']): Finding[] {
  const { id, port, groups, ingress } = database
  const rules = ingress.filter((rule) => admits(rule, port))
  if (rules.some((rule) => rule.groups.some((group) => pods.groups.includes(group)))) return []
  const blocks = rules.flatMap((rule) => rule.blocks)
  const outside = pods.subnets.filter((subnet) => !subnet.blocks.some((each) => within(each, blocks)))
  if (outside.length === 0 && pods.subnets.length > 0) return []
  const from = [...pods.groups, ...outside.map((subnet) => subnet.id)].join(', ')
  return [
    {
      code: 'DATABASE_BLOCKED',
      object: { kind: 'DBInstance', name: id, uid: id },
      reason: 'NoIngressRule',
      message: `no rule of ${groups.join(', ')} lets ${from} in on port ${port}`,
      field: 'IpPermissions',
      advice: `let ${pods.groups[0]} in with a rule of ${groups[0]}; was one of Terraform removed? \`emr deploy ENVIRONMENT --dry-run\` shows it`,
    },
  ]
}

function admits({ protocol, ports }: IngressRule, port: number): boolean {
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
  const without = pods.subnets.filter((subnet) => !tableOf(subnet.id, pods.tables)?.routes.some(leads))
  if (without.length === 0) return []
  return [
    {
      code: 'DATABASE_UNROUTED',
      object: { kind: 'DBInstance', name: id, uid: id },
      reason: 'NoRoute',
      message: `it is in ${vpc}, and the routes of ${without.map((subnet) => subnet.id).join(', ')} in ${pods.vpc} do not lead there`,
      field: 'Routes',
      advice: `connect ${pods.vpc} and ${vpc} (peering or transit gateway), with a route in both directions`,
    },
  ]
}

/** The VPC itself, and the ways to the internet: private addresses do not pass them. */
const BETWEEN_NO_VPCS = /^(local$|igw-|nat-|eigw-)/

function tableOf(subnet: string, tables: RouteTable[]): RouteTable | undefined {
  return tables.find(({ subnets }) => subnets.includes(subnet)) ?? tables.find(({ main }) => main)
}
