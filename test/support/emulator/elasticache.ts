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
