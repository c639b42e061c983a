import type { AwsAccount } from '../../domain/environment.ts'
import type { VersionedService } from '../../domain/terraform/demands.ts'
import type { OfferedVersion } from '../../domain/terraform/offers.ts'
import { askBriefly } from './ask.ts'
import { clientConfig } from './client.ts'

type Ask = (account: AwsAccount, abortSignal: AbortSignal) => Promise<OfferedVersion[]>

const ASK: Record<VersionedService, Ask> = {
  eks: async (account, abortSignal) => {
    const { EKSClient, paginateDescribeClusterVersions } = await import('@aws-sdk/client-eks')
    const client = new EKSClient(clientConfig(account))
    return collect(client, paginateDescribeClusterVersions({ client }, {}, { abortSignal }), (page) =>
      (page.clusterVersions ?? []).map(({ clusterVersion, defaultVersion }) => ({
        version: clusterVersion,
        isDefault: defaultVersion === true,
      })),
    )
  },
  rds: async (account, abortSignal) => {
    const { paginateDescribeDBEngineVersions, RDSClient } = await import('@aws-sdk/client-rds')
    const client = new RDSClient(clientConfig(account))
    const query = { Engine: 'postgres' }
    return collect(client, paginateDescribeDBEngineVersions({ client }, query, { abortSignal }), (page) =>
      (page.DBEngineVersions ?? [])
        .filter(({ Status = 'available' }) => Status === 'available')
        .map(({ EngineVersion }) => ({ version: EngineVersion })),
    )
  },
  msk: async (account, abortSignal) => {
    const { KafkaClient, paginateListKafkaVersions } = await import('@aws-sdk/client-kafka')
    const client = new KafkaClient(clientConfig(account))
    return collect(client, paginateListKafkaVersions({ client }, {}, { abortSignal }), (page) =>
      (page.KafkaVersions ?? [])
        .filter(({ Status }) => Status === 'ACTIVE')
        .map(({ Version }) => ({ version: Version })),
    )
  },
  elasticache: async (account, abortSignal) => {
    const { ElastiCacheClient, paginateDescribeCacheEngineVersions } = await import(
      '@aws-sdk/client-elasticache'
    )
    const client = new ElastiCacheClient(clientConfig(account))
    const query = { Engine: 'redis' }
    return collect(client, paginateDescribeCacheEngineVersions({ client }, query, { abortSignal }), (page) =>
      (page.CacheEngineVersions ?? []).map(({ EngineVersion }) => ({ version: EngineVersion })),
    )
  },
}

const DOING: Record<VersionedService, string> = {
  eks: 'list the versions of EKS',
  rds: 'list the PostgreSQL versions of RDS',
  msk: 'list the Kafka versions of MSK',
  elasticache: 'list the Redis versions of ElastiCache',
}

/** The versions that a service creates in this region today. @throws {EmrError} when AWS does not tell (exit 4) */
export function offeredVersions(
  account: AwsAccount,
  service: VersionedService,
  abortSignal: AbortSignal,
): Promise<OfferedVersion[]> {
  return askBriefly(account, DOING[service], abortSignal, (signal) => ASK[service](account, signal))
}

async function collect<Page>(
  client: { destroy: () => void },
  pages: AsyncIterable<Page>,
  read: (page: Page) => { version: string | undefined; isDefault?: boolean }[],
): Promise<OfferedVersion[]> {
  try {
    const found: OfferedVersion[] = []
    for await (const page of pages) {
      for (const { version, ...rest } of read(page)) if (version) found.push({ version, ...rest })
    }
    return found
  } finally {
    client.destroy()
  }
}
