import { type Gap, json, queryOf, xml } from './gaps.ts'

/** What AWS offered in us-east-1 in the autumn of 2026, shortened: none of the documented versions but Redis is left. */
const OFFERED = {
  eks: ['1.34', '1.33', '1.32', '1.31'],
  postgres: ['14.18', '15.12', '15.13', '16.9'],
  kafka: { '3.5.1': 'DEPRECATED', '3.6.0': 'ACTIVE', '3.8.x': 'ACTIVE', '3.9.x.kraft': 'ACTIVE' },
  redis: ['6.2', '7.0', '7.1'],
}

const QUOTAS: Record<string, number> = { 'L-F678F1CE': 5, 'L-0263D0A3': 5, 'L-1216C47A': 128 }

/** The versions that services create, and the account's quotas. */
export const offers: Gap = {
  answer(request) {
    const { pathname } = request.url
    if (pathname === '/cluster-versions') {
      return json({
        clusterVersions: OFFERED.eks.map((clusterVersion) => ({
          clusterVersion,
          clusterType: 'eks',
          defaultVersion: clusterVersion === '1.33',
          versionStatus: 'STANDARD_SUPPORT',
        })),
      })
    }
    if (pathname === '/v1/kafka-versions') {
      const kafkaVersions = Object.entries(OFFERED.kafka).map(([version, status]) => ({ version, status }))
      return json({ kafkaVersions })
    }
    if (String(request.headers['x-amz-target']).startsWith('ServiceQuotas')) {
      const { QuotaCode } = JSON.parse(request.body)
      return json({ Quota: { QuotaCode, Value: QUOTAS[QuotaCode] } })
    }
    return engineVersions(queryOf(request).get('Action') ?? '')
  },
}

function engineVersions(action: string) {
  const list = (space: string, element: string, versions: string[]) => {
    const items = versions.map((version) => `<EngineVersion>${version}</EngineVersion>`)
    const body = items.map((item) => `<${element}>${item}</${element}>`).join('')
    return xml(
      `<${action}Response xmlns="${space}"><${action}Result><${element}s>${body}</${element}s></${action}Result></${action}Response>`,
    )
  }
  if (action === 'DescribeDBEngineVersions')
    return list('http://rds.amazonaws.com/doc/2014-10-31/', 'DBEngineVersion', OFFERED.postgres)
  if (action === 'DescribeCacheEngineVersions')
    return list('http://elasticache.amazonaws.com/doc/2015-02-02/', 'CacheEngineVersion', OFFERED.redis)
  return undefined
}
