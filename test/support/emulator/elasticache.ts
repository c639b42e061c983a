import { type Gap, queryOf, xml } from './gaps.ts'

interface ParameterGroup {
  family: string
  description: string
  parameters: Map<string, string>
}

/** ElastiCache: parameter groups. */
export function cacheParameterGroups(): Gap {
  const groups = new Map<string, ParameterGroup>()
  const describe = (name: string, { family, description }: ParameterGroup) =>
    `<CacheParameterGroupName>${name}</CacheParameterGroupName><CacheParameterGroupFamily>${family}</CacheParameterGroupFamily><Description>${description}</Description><IsGlobal>false</IsGlobal><ARN>arn:aws:elasticache:us-east-1:123456789012:parametergroup:${name}</ARN>`

  const results: Record<string, (name: string, query: URLSearchParams) => string | undefined> = {
    CreateCacheParameterGroup(name, query) {
      const family = query.get('CacheParameterGroupFamily') ?? ''
      const group = { family, description: query.get('Description') ?? '', parameters: new Map() }
      groups.set(name, group)
      return `<CacheParameterGroup>${describe(name, group)}</CacheParameterGroup>`
    },
    DescribeCacheParameterGroups(name) {
      const group = groups.get(name)
      return (
        group &&
        `<CacheParameterGroups><CacheParameterGroup>${describe(name, group)}</CacheParameterGroup></CacheParameterGroups>`
      )
    },
    ModifyCacheParameterGroup(name, query) {
      for (let index = 1; query.has(key(index, 'Name')); index += 1) {
        groups
          .get(name)
          ?.parameters.set(query.get(key(index, 'Name')) ?? '', query.get(key(index, 'Value')) ?? '')
      }
      return `<CacheParameterGroupName>${name}</CacheParameterGroupName>`
    },
    DescribeCacheParameters(name) {
      const parameters = [...(groups.get(name)?.parameters ?? [])].map(
        ([parameter, value]) =>
          `<Parameter><ParameterName>${parameter}</ParameterName><ParameterValue>${value}</ParameterValue><Source>user</Source></Parameter>`,
      )
      return `<Parameters>${parameters.join('')}</Parameters>`
    },
    ListTagsForResource: () => '<TagList/>',
    DeleteCacheParameterGroup: (name) => (groups.delete(name) ? '' : undefined),
  }

  return {
    answer(request) {
      const query = queryOf(request)
      const action = query.get('Action') ?? ''
      const name = query.get('CacheParameterGroupName') ?? query.get('ResourceName') ?? ''
      if (results[action] === undefined) return undefined
      // Tags of everything else are the emulator's own business.
      if (action === 'ListTagsForResource' && !name.includes(':parametergroup:')) return undefined
      const result = results[action](name, query)
      if (result !== undefined) {
        return xml(
          `<${action}Response xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/"><${action}Result>${result}</${action}Result></${action}Response>`,
        )
      }
      return xml(
        '<ErrorResponse><Error><Type>Sender</Type><Code>CacheParameterGroupNotFound</Code><Message>none</Message></Error></ErrorResponse>',
        404,
      )
    },
  }
}

function key(index: number, field: 'Name' | 'Value'): string {
  return `ParameterNameValues.ParameterNameValue.${index}.Parameter${field}`
}

/** ElastiCache: the nodes of a replication group, which the emulator names but does not describe. */
export function cacheGroupMembers(): Gap {
  const groups = new Map<string, URLSearchParams>()
  return {
    answer(request) {
      const query = queryOf(request)
      if (query.get('Action') === 'CreateReplicationGroup') {
        groups.set(query.get('ReplicationGroupId') ?? '', query)
      }
      if (query.get('Action') !== 'DescribeCacheClusters') return undefined
      const id = query.get('CacheClusterId') ?? ''
      const group = groups.get(id.replace(/-\d{3}$/, ''))
      return group && xml(memberXml(id, group))
    },
  }
}

function memberXml(id: string, group: URLSearchParams): string {
  const same = [
    'CacheNodeType',
    'Engine',
    'CacheSubnetGroupName',
    'PreferredMaintenanceWindow',
    'SnapshotWindow',
  ]
  const security = [...group]
    .filter(([name]) => name.startsWith('SecurityGroupIds.'))
    .map(([, value]) => `<member><SecurityGroupId>${value}</SecurityGroupId><Status>active</Status></member>`)
  const fields = {
    CacheClusterId: id,
    ReplicationGroupId: group.get('ReplicationGroupId'),
    CacheClusterStatus: 'available',
    // A group is asked for as 7.0, and runs a patch of it.
    EngineVersion: `${group.get('EngineVersion')}.7`,
    NumCacheNodes: '1',
    ...Object.fromEntries(same.map((name) => [name, group.get(name)])),
    CacheParameterGroup: `<CacheParameterGroupName>${group.get('CacheParameterGroupName')}</CacheParameterGroupName>`,
    SecurityGroups: security.join(''),
    ARN: `arn:aws:elasticache:us-east-1:123456789012:cluster:${id}`,
  }
  const body = Object.entries(fields).map(([name, value]) => `<${name}>${value ?? ''}</${name}>`)
  const list = `<CacheClusters><CacheCluster>${body.join('')}</CacheCluster></CacheClusters>`
  return `<DescribeCacheClustersResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/"><DescribeCacheClustersResult>${list}</DescribeCacheClustersResult></DescribeCacheClustersResponse>`
}
