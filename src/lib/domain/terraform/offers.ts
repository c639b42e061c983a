import type { QuotaDemand, VersionDemand, VersionedService } from './demands.ts'

/** A version that AWS creates today. */
export interface OfferedVersion {
  version: string
  /** AWS takes it where nothing is asked for. */
  isDefault?: boolean
}

/** What is left of one quota. */
export interface QuotaView {
  limit: number
  used: number
}

/** The quotas that a plan can run into. */
export type QuotaName = 'vpcs' | 'elasticIps' | 'vcpus'

/** One thing that was asked of AWS before anything is made there. */
export interface OfferCheck {
  /** Stable, for scripts: `version.eks`, `quota.vcpus`. */
  id: string
  /** `problem`: the apply would fail; `unknown`: AWS did not tell, so nothing is proven. */
  status: 'good' | 'warning' | 'problem' | 'unknown'
  detail: string
  /** What to write or to type. */
  fix?: string
}

const SERVICES: Record<VersionedService, string> = {
  eks: 'EKS with Kubernetes',
  rds: 'RDS for PostgreSQL',
  msk: 'MSK with Kafka',
  elasticache: 'ElastiCache for Redis',
}

/** Whether AWS still creates the version, and which it creates instead. */
export function checkVersion(demand: VersionDemand, offered: readonly OfferedVersion[]): OfferCheck {
  const { service, version, address, variable } = demand
  const id = `version.${service}`
  const name = `${SERVICES[service]} ${version}`
  if (offered.some((offer) => isSame(version, offer.version)))
    return { id, status: 'good', detail: `${name} can be created` }
  const near = offered
    .filter((offer) => series(offer.version) === series(version))
    .toSorted((a, b) => compare(a.version, b.version))
  const choice = near.find(({ isDefault }) => isDefault) ?? near.at(-1)
  const there = near.map((offer) => offer.version).join(', ')
  return {
    id,
    status: 'problem',
    detail: `${name} cannot be created (${address}); AWS creates ${there || `no version ${series(version)}`}`,
    fix: choice ? `set ${variable} = "${choice.version}" in the variable file` : undefined,
  }
}

/** `15` asks for any 15; `7.0` is listed with its patch by some services and without by others. */
function isSame(wanted: string, offered: string): boolean {
  return offered === wanted || offered.startsWith(`${wanted}.`)
}

/** The major version, and the flavour where there is one, as `3.kraft` for Kafka 3.9.x.kraft. */
function series(version: string): string {
  const [major = '', ...rest] = version.split('.')
  return [major, ...rest.filter((part) => /^[a-z]{2,}$/.test(part))].join('.')
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

const QUOTAS: Record<QuotaName, { title: string; serviceCode: string; quotaCode: string }> = {
  vpcs: { title: 'VPCs', serviceCode: 'vpc', quotaCode: 'L-F678F1CE' },
  elasticIps: { title: 'Elastic IPs', serviceCode: 'ec2', quotaCode: 'L-0263D0A3' },
  vcpus: {
    title: 'vCPUs of on-demand standard instances',
    serviceCode: 'ec2',
    quotaCode: 'L-1216C47A',
  },
}

/** Its name for people, and by what Service Quotas knows it. */
export function quotaOf(name: QuotaName): { title: string; serviceCode: string; quotaCode: string } {
  return QUOTAS[name]
}

/** The quotas that a plan takes something of. */
export function demandedQuotas(demand: QuotaDemand): QuotaName[] {
  const names = Object.keys(QUOTAS) as QuotaName[]
  return names.filter((name) => bounds(demand, name).most > 0)
}

/** Whether the account's quota is enough for what a plan makes at once, and for what it may grow to. */
export function checkQuota(name: QuotaName, demand: QuotaDemand, { limit, used }: QuotaView): OfferCheck {
  const { title, serviceCode, quotaCode } = QUOTAS[name]
  const { least, most } = bounds(demand, name)
  const id = `quota.${name}`
  const facts = `${title}: ${used} of ${limit} in use`
  const raise = (desired: number) =>
    `aws service-quotas request-service-quota-increase --service-code ${serviceCode} --quota-code ${quotaCode} --desired-value ${desired}`
  if (used + least > limit) {
    return { id, status: 'problem', detail: `${facts}, the plan takes ${least}`, fix: raise(used + most) }
  }
  if (used + most > limit) {
    const detail = `${facts}, the node groups may grow to ${most}`
    return { id, status: 'warning', detail, fix: raise(used + most) }
  }
  return { id, status: 'good', detail: `${facts}, the plan takes ${least}` }
}

function bounds(demand: QuotaDemand, name: QuotaName): { least: number; most: number } {
  const taken = demand[name]
  return typeof taken === 'number' ? { least: taken, most: taken } : taken
}
