import { covers, overlap } from './cidr.ts'

interface Ports {
  from: number
  to: number
}

export interface AclEntry {
  /** The lowest that matches decides. */
  number: number
  allow: boolean
  /** `6` for TCP, `-1` for all. */
  protocol: string
  /** Undefined: all. */
  ports?: Ports
  /** Of the other side, in CIDR notation. */
  block: string
}

/** The stateless filter of whole subnets: what comes back is looked at too. */
export interface NetworkAcl {
  id: string
  subnets: string[]
  ingress: AclEntry[]
  egress: AclEntry[]
}

interface Side {
  id: string
  blocks: string[]
}

/** Where Linux takes the port of a connection that it opens: the answers come back to it. */
const EPHEMERAL: Ports = { from: 32_768, to: 60_999 }

/**
 * The network ACL that keeps all connections of one subnet from a port of another one, on the way there or back.
 * Undefined where some may pass: a rule for a part of the addresses or ports does not count against them.
 */
export function denyingAcl(acls: NetworkAcl[], from: Side, to: Side, port: number): string | undefined {
  // Within one subnet, nothing passes an ACL.
  if (from.id === to.id) return undefined
  const of = (side: Side) => acls.find(({ subnets }) => subnets.includes(side.id))
  const [near, far] = [of(from), of(to)]
  const service = { from: port, to: port }
  const ways: [NetworkAcl | undefined, AclEntry[] | undefined, Side, Ports][] = [
    [near, near?.egress, to, service],
    [far, far?.ingress, from, service],
    [far, far?.egress, from, EPHEMERAL],
    [near, near?.ingress, to, EPHEMERAL],
  ]
  return ways.find(([, entries, side, ports]) => entries && !passes(entries, side, ports))?.[0]?.id
}

function passes(entries: AclEntry[], side: Side, ports: Ports): boolean {
  // Databases are asked over IPv4, as far as their subnets have it.
  const blocks = side.blocks.filter((block) => !block.includes(':'))
  return blocks.length === 0 || blocks.some((block) => decides(entries, block, ports))
}

function decides(entries: AclEntry[], block: string, ports: Ports): boolean {
  const own = entries.filter(({ protocol }) => protocol === '-1' || protocol === '6')
  const deciding = own
    .sort((a, b) => a.number - b.number)
    .find((entry) => {
      const { from, to } = entry.ports ?? { from: 0, to: 65_535 }
      return entry.allow
        ? overlap(entry.block, block) && from <= ports.to && ports.from <= to
        : covers(entry.block, block) && from <= ports.from && ports.to <= to
    })
  return deciding?.allow ?? false
}
